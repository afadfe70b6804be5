"""Calls of layers and models as functions of the values of their variables."""

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from unidl import layers, ops

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def network(kit=unidl):
    return kit.Sequential(
        [
            kit.layers.Input((4,)),
            kit.layers.Dense(5, "relu", kernel_regularizer="l2", activity_regularizer="l1"),
            kit.layers.BatchNormalization(),
            kit.layers.Dropout(0.5, seed=1),
            kit.layers.Dense(2),
        ]
    )


def handles(layer):
    return [*layer.trainable_variables, *layer.non_trainable_variables]


def test_a_call_returns_what_it_would_assign(backend):
    model = network()
    before = [v.numpy() for v in handles(model)]
    values = [[v.value for v in group] for group in
              (model.trainable_variables, model.non_trainable_variables)]  # fmt: skip
    y, after, losses = model.stateless_call(*values, X, training=True, return_losses=True)
    again, _ = model.stateless_call(*values, X, training=True)
    np.testing.assert_array_equal(backend.to_numpy(y), backend.to_numpy(again))
    for variable, value in zip(handles(model), before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert model._losses == []

    np.testing.assert_array_equal(backend.to_numpy(y), backend.to_numpy(model(X, training=True)))
    np.testing.assert_allclose([float(x) for x in losses], [float(x) for x in model.losses])
    for variable, value in zip(model.non_trainable_variables, after, strict=True):
        assert backend.is_tensor(value)
        np.testing.assert_array_equal(variable.numpy(), backend.to_numpy(value))
    assert [v.shape for v in model.non_trainable_variables] == [(5,), (5,), (4,)]


def test_against_keras():
    with in_float64() as keras, unidl.use_backend("numpy"):
        ours, theirs = network(), network(keras)
        theirs.layers[2].rate = ours.layers[2].rate = 0.0  # its random numbers are its own
        theirs.set_weights(ours.get_weights())
        found = ours.stateless_call(
            [v.value for v in ours.trainable_variables], ours.non_trainable_variables,
            X.astype("float64"), training=True, return_losses=True,
        )  # fmt: skip
        wanted = theirs.stateless_call(
            [v.value for v in theirs.trainable_variables],
            [v.value for v in theirs.non_trainable_variables],
            X.astype("float64"), training=True, return_losses=True,
        )  # fmt: skip
        close(found[0], wanted[0])
        for a, b in zip(found[1][:2], wanted[1][:2], strict=True):
            close(a, b)
        assert len(found[1]) == len(wanted[1]) == 3
        # Keras' call() of the outermost layer alone knows no activity regularizers of its own.
        close(sorted(float(x) for x in found[2]), sorted(float(x) for x in wanted[2]), 1e-6)


@pytest.mark.quick_on("numpy", "torch")
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(3, stateful=True, dropout=0.2),
        lambda: layers.Bidirectional(layers.GRU(2)),
        lambda: layers.SpectralNormalization(layers.Dense(3)),
        lambda: layers.TimeDistributed(layers.Dropout(0.5)),
        lambda: layers.GaussianNoise(0.5),
    ],
)
def test_layers_with_state(backend, make):
    layer, x = make(), ops.convert_to_tensor(np.ones((2, 3, 4), "float32"))
    layer(x)
    before = [v.numpy() for v in handles(layer)]
    y, after = layer.stateless_call(*[[v.value for v in g] for g in
        (layer.trainable_variables, layer.non_trainable_variables)], x, training=True)  # fmt: skip
    for variable, value in zip(handles(layer), before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    np.testing.assert_array_equal(backend.to_numpy(y), backend.to_numpy(layer(x, training=True)))
    for variable, value in zip(layer.non_trainable_variables, after, strict=True):
        np.testing.assert_array_equal(variable.numpy(), backend.to_numpy(value))


def test_symbolic_call_is_shape_inference():
    dense = layers.Dense(3)
    assert dense.symbolic_call(unidl.KerasTensor((None, 2))).shape == (None, 3)
    assert dense.built


def test_wrong_use_is_told():
    dense = layers.Dense(2, name="d")
    with pytest.raises(ValueError, match=r"Dense 'd': stateless_call\(\).*not made yet.*build"):
        dense.stateless_call([], [], np.ones((1, 3)))
    dense.build((None, 3))
    kernel, bias = (v.value for v in dense.weights)
    with pytest.raises(ValueError, match=r"got 1 values as trainable_variables.*d/kernel, d/bias"):
        dense.stateless_call([kernel], [], np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"got 1 values as non_trainable_variables.*none"):
        dense.stateless_call([kernel, bias], [bias], np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"'d/kernel' .* the shape \(2,\), the variable \(3, 2\)"):
        dense.stateless_call([bias, kernel], [], np.ones((1, 3)))
    with pytest.raises(TypeError, match=r"a list of values.*got Variable"):
        dense.stateless_call(dense.kernel, [], np.ones((1, 3)))

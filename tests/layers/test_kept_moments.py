"""Layers that keep numbers beside what is trained: adapt of Normalization, the kernel and vector of
SpectralNormalization."""

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from unidl import layers, ops

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize("axis", [-1, None, (1, 2), 1])
def test_adapt_as_keras(backend, axis):
    x = DRAW.normal(3.0, 2.0, (8, 4, 3))
    with in_float64() as keras:
        ours, theirs = layers.Normalization(axis), keras.layers.Normalization(axis)
        ours.adapt(x)
        theirs.adapt(x)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            close(a, b)
        close(ops.convert_to_numpy(ours(x)), np.asarray(theirs(x)))
        ours.adapt(x[i : i + 3] for i in range(0, 8, 3))
        close(ops.convert_to_numpy(ours(x)), np.asarray(theirs(x)))


def test_adapt_takes_native_tensors_pairs_and_integers(backend):
    x = DRAW.integers(0, 9, (6, 2))
    layer = layers.Normalization()
    layer.adapt(ops.convert_to_tensor(x))
    wanted = layer.get_weights()
    layer.adapt([(x[:2], np.zeros(2)), (x[2:], np.zeros(4))])
    for a, b in zip(layer.get_weights(), wanted, strict=True):
        close(a, b, 1e-6)
    model = unidl.Sequential([layer, layers.Dense(1)])
    assert model.predict(x.astype("float32"), verbose=0).shape == (6, 1)


def test_adapt_keeps_digits_far_from_zero():
    x = (1e4 + DRAW.normal(size=(50, 2)) / 100).astype("float32")
    layer = layers.Normalization()
    layer.adapt(x)
    close(layer.get_weights()[1], np.var(x.astype("float64"), 0), 1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: layers.Normalization(mean=1.0), "give both mean and variance"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), "of at most 1 axes"),
        (
            lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))),
            "nothing to adapt",
        ),
        (lambda: layers.Normalization(2)(np.ones((2, 2))), "does not have"),
        (lambda: layers.Normalization().adapt([]), "got no batch"),
        (
            lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(np.ones((2, 3))),
            "do not fit the axes that are not reduced",
        ),
        (
            lambda: layers.SpectralNormalization(layers.Flatten())(np.ones((2, 3))),
            "no weight named 'kernel' or 'embeddings'",
        ),
        (
            lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1}),
            "accepts the keys rmin, rmax, dmax",
        ),
        (
            lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmin": 2, "rmax": 1}),
            "rmin <= rmax",
        ),
    ],
)
def test_errors_teach(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_spectral_norm_tends_to_one(backend):
    # Singular values far apart, since their ratio tells how fast the power iteration ends.
    kernel = np.diag([3.0, 1.0, 0.5, 0.2]).repeat([1, 1, 1, 2], axis=0)
    inner = layers.Dense(4, dtype="float64", kernel_initializer=lambda shape, dtype: kernel)
    layer = layers.SpectralNormalization(inner, power_iterations=3, dtype="float64")
    x = DRAW.normal(size=(2, 5))
    for _ in range(30):
        layer(x, training=True)
    assert abs(np.linalg.norm(layer.layer.get_weights()[0], 2) - 1) < 1e-12


def test_kernel_of_zeros_stays(backend):
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    y = ops.convert_to_numpy(layer(np.ones((3, 2), "float32"), training=True))
    assert not y.any()


def test_training_as_keras(backend):
    """The assigned kernel is what the optimizer goes on from; three epochs of batches, one of them
    ragged."""
    x, y = DRAW.normal(size=(10, 4)), DRAW.normal(size=(10, 2))

    def made(keras):
        model = keras.Sequential(
            [
                keras.layers.Input((4,)),
                keras.layers.SpectralNormalization(keras.layers.Dense(3, activation="tanh")),
                keras.layers.BatchNormalization(renorm=True, renorm_momentum=0.5),
                keras.layers.Dense(2),
            ]
        )
        model.compile(optimizer="sgd", loss="mse")
        return model

    with in_float64() as keras:
        ours, theirs = made(unidl), made(keras)
        ours.set_weights(theirs.get_weights())
        for model in (ours, theirs):
            model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            close(a, b, 1e-10)


@pytest.mark.parametrize("given", [{}, {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 5.0, 6.0]}])
def test_moments_can_be_read_as_in_keras(backend, given):
    layer = layers.Normalization(**given)
    assert layer.mean is None
    assert layer.variance is None
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    if given:
        layer(x)
    else:
        layer.adapt(x)
    wanted = given or {"mean": x.mean(0), "variance": x.var(0)}
    for name, value in wanted.items():
        found = ops.convert_to_numpy(getattr(layer, name))
        assert found.shape == (1, 3)
        np.testing.assert_allclose(found[0], value, rtol=1e-5)

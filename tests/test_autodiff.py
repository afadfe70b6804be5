"""`unidl.value_and_grad`, the ground of training loops of one's own."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops


def array(x):
    return np.asarray(ops.convert_to_numpy(x))


def test_value_and_gradients(backend):
    w, b = unidl.Variable([1.0, 2.0]), unidl.Variable(3.0)
    value, (gw, gb) = unidl.value_and_grad(lambda: ops.sum(w.value * w.value) * b.value, [w, b])
    assert isinstance(value, backend.tensor_types)
    assert isinstance(gw, backend.tensor_types)
    np.testing.assert_allclose(array(value), 15)
    np.testing.assert_allclose(array(gw), [6, 12])
    np.testing.assert_allclose(array(gb), 5)
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_unused_variables_get_zeros(backend):
    w, unused = unidl.Variable([1.0, 2.0]), unidl.Variable(np.ones((2, 3), "float64"))
    _, (_, zeros) = unidl.value_and_grad(lambda: ops.sum(w), [w, unused])
    assert backend.dtype(zeros) == "float64"
    np.testing.assert_array_equal(array(zeros), np.zeros((2, 3)))


def test_aux(backend):
    w = unidl.Variable([1.0, 2.0])
    (value, aux), (gradient,) = unidl.value_and_grad(
        lambda: (ops.sum(w * 3.0), {"w": w * 2.0, "n": 7}), [w], has_aux=True
    )
    np.testing.assert_allclose(array(value), 9)
    np.testing.assert_allclose(array(aux["w"]), [2, 4])
    assert aux["n"] == 7
    np.testing.assert_allclose(array(gradient), [3, 3])


def test_the_active_backend_does_not_matter(backend):
    w = unidl.Variable([2.0])
    with unidl.use_backend("numpy"):
        _, (gradient,) = unidl.value_and_grad(lambda: ops.sum(ops.square(w)), [w])
    assert isinstance(gradient, backend.tensor_types)


def test_an_error_inside_comes_out_and_leaves_the_variables(backend):
    w = unidl.Variable([2.0])

    def broken():
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        unidl.value_and_grad(broken, [w])
    np.testing.assert_array_equal(w.numpy(), [2.0])


BAD = {
    "empty": (lambda: unidl.value_and_grad(lambda: 0.0, []), ValueError, "empty"),
    "tensor for a variable": (
        lambda: unidl.value_and_grad(lambda: 0.0, [np.ones(2)]),
        TypeError,
        "unidl.Variable",
    ),
    "not a scalar": (
        lambda: unidl.value_and_grad(lambda: np.ones(2), [unidl.Variable([1.0])]),
        ValueError,
        "scalar",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_errors_teach(backend, case):
    call, kind, text = BAD[case]
    with pytest.raises(kind, match=text):
        call()


def test_a_loop_of_ones_own_is_fit(backend):
    """The same steps as fit makes, to the last bit of what float32 promises."""
    x, y = np.random.default_rng(0).normal(size=(12, 4)).astype("float32"), np.arange(12) % 3

    def make():
        unidl.utils.set_random_seed(2)
        return unidl.Sequential(
            [unidl.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(3)]
        )

    loss_of = unidl.losses.SparseCategoricalCrossentropy(from_logits=True)
    fitted = make()
    fitted.compile(unidl.optimizers.Adam(0.01), loss_of)
    fitted.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    looped, optimizer = make(), unidl.optimizers.Adam(0.01)
    for i in range(0, 12, 4):
        batch = slice(i, i + 4)
        _, gradients = unidl.value_and_grad(
            lambda batch=batch: loss_of(y[batch], looped(x[batch], training=True)),
            looped.trainable_variables,
        )
        optimizer.apply(gradients, looped.trainable_variables)
    for a, b in zip(looped.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_list_of_tensors_becomes_one_tensor_with_its_gradient(backend):
    a, b = unidl.Variable(2.0), unidl.Variable([1.0, 3.0])

    def total():
        rows = ops.convert_to_tensor([[a.value, a.value * a.value], b.value * 3, (1.0, a.value)])
        return ops.sum(ops.multiply(rows, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))

    value, (of_a, of_b) = unidl.value_and_grad(total, [a, b])
    assert float(value) == 72.0
    assert float(of_a) == 15.0
    np.testing.assert_allclose(ops.convert_to_numpy(of_b), [9.0, 12.0])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - ops.stop_gradient(ops.max(x, axis=-1, keepdims=True)),
        lambda x: x - ops.stop_gradient(ops.min(x, axis=(0, 1), keepdims=True)),
        lambda x: ops.logsumexp(x, axis=-1),
    ],
    ids=["max", "min", "logsumexp"],
)
def test_stopped_gradients_of_large_extremes(backend, function):
    """MXNet ended the process here."""
    values = np.random.default_rng(0).normal(size=(2, 2, 64, 64))
    v = unidl.Variable(values, backend=backend)
    _, (gradient,) = unidl.value_and_grad(lambda: ops.sum(ops.square(function(v.value))), [v])
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()

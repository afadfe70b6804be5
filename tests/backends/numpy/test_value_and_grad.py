"""value_and_grad over Variables: what comes back, what stays, what is refused; memory is flat."""

import gc
import tracemalloc

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B
from unidl.backend import Variable
from unidl_numpy.tape_array import GradientError, TapeArray


@pytest.fixture
def w():
    return Variable(np.array([1.0, 2.0, 3.0], "float32"), backend="numpy")


def test_value_and_gradients(w):
    other = Variable(np.ones(2, "float32"), backend="numpy")
    value, (gradient, zero) = B.value_and_grad(lambda: B.sum(B.square(w.value)), [w, other])
    assert (type(value), value.dtype, value.shape, float(value)) == (
        np.ndarray,
        np.dtype("float32"),
        (),
        14.0,
    )
    assert gradient.tolist() == [2, 4, 6]
    assert zero.tolist() == [0, 0]
    assert gradient.flags.writeable
    assert zero.dtype == "float32"
    assert type(w.value) is np.ndarray


def test_a_loss_that_depends_on_nothing(w):
    value, (gradient,) = B.value_and_grad(lambda: B.sum(np.ones(3, "float32")), [w])
    assert float(value) == 3
    assert gradient.tolist() == [0, 0, 0]


def test_aux_is_free_of_the_tape(w):
    def fn():
        y = w.value * 2
        return y.sum(), [y, {"y": y, "n": 1}, (y, np.ones(2))]

    (value, aux), (gradient,) = B.value_and_grad(fn, [w], has_aux=True)
    assert type(value) is type(aux[0]) is type(aux[1]["y"]) is type(aux[2][0]) is np.ndarray
    assert aux[0].tolist() == [2, 4, 6]
    assert gradient.tolist() == [2, 2, 2]


def test_assigned_variables_stay_assigned_and_plain(w):
    mean = Variable(np.zeros((), "float32"), backend="numpy")

    def fn():
        mean.assign(B.mean(w.value))
        return B.sum(w.value)

    B.value_and_grad(fn, [w])
    assert type(mean.value) is np.ndarray
    assert float(mean.value) == 2.0


def test_what_is_assigned_to_a_differentiated_variable_stays(w):
    def fn():
        loss = B.sum(B.square(w.value))
        w.assign(w.value * 10)
        return loss

    _, (gradient,) = B.value_and_grad(fn, [w])
    assert gradient.tolist() == [2, 4, 6]
    assert type(w.value) is np.ndarray
    assert w.value.tolist() == [10, 20, 30]


def test_an_assigned_view_is_copied(w):
    whole = np.arange(6, dtype="float32")
    w.replace(whole[:3])
    whole[0] = 9
    assert w.value.tolist() == [0, 1, 2]


def test_variables_are_given_back_after_an_error(w):
    with pytest.raises(ZeroDivisionError):
        B.value_and_grad(lambda: 1 / 0, [w])
    assert type(w.value) is np.ndarray


def test_stop_gradient(w):
    _, (gradient,) = B.value_and_grad(
        lambda: B.sum(B.multiply(w.value, B.stop_gradient(w.value))), [w]
    )
    assert gradient.tolist() == [1, 2, 3]


def test_not_a_scalar(w):
    with pytest.raises(ValueError, match="scalar"):
        B.value_and_grad(lambda: w.value, [w])


def test_nested(w):
    with pytest.raises(GradientError, match="inside value_and_grad"):
        B.value_and_grad(lambda: B.value_and_grad(lambda: B.sum(w.value), [w])[0], [w])
    other = Variable(np.ones(3, "float32"), backend="numpy")

    def outer():
        y = w.value * 2
        B.value_and_grad(lambda: B.sum(B.multiply(other.value, y)), [other])
        return B.sum(y)

    with pytest.raises(GradientError, match="gradients of gradients"):
        B.value_and_grad(outer, [w])


def test_an_array_that_outlived_its_tape_is_a_constant(w):
    kept = []

    def fn():
        kept.append(w.value * 2)
        return B.sum(kept[0])

    B.value_and_grad(fn, [w])
    assert type(kept[0]) is TapeArray
    assert type(kept[0] + 1) is np.ndarray
    _, (gradient,) = B.value_and_grad(lambda: B.sum(B.multiply(kept[0], w.value)), [w])
    assert gradient.tolist() == [2, 4, 6]


def test_tensors_by_keyword(w):
    _, (gradient,) = B.value_and_grad(
        lambda: B.sum(
            B.layer_norm(
                np.ones((2, 3), "float32"), gamma=None, beta=w.value, axes=(1,), epsilon=1e-3
            )
        ),
        [w],
    )
    assert gradient.tolist() == [2, 2, 2]


def test_memory_is_flat():
    """1,000 steps, the collector off: no cycle may keep an array alive."""
    rng = np.random.default_rng(0)
    kernel, recurrent = (
        Variable(rng.normal(size=(8, 32)), backend="numpy"),
        Variable(rng.normal(size=(8, 32)), backend="numpy"),
    )
    x = rng.normal(size=(4, 5, 8))
    state = np.zeros((4, 8))

    def fn():
        y, h, _ = B.lstm(x, state, state, kernel.value, recurrent.value, None)
        parts = B.split(B.concatenate([y[:, -1], h], 0), 2, 0)
        return B.mean(B.square(parts[0])) + np.exp(parts[1]).mean()

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(300):  # until interned numbers and free lists have filled
            B.value_and_grad(fn, [kernel, recurrent])
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            B.value_and_grad(fn, [kernel, recurrent])
        grown = tracemalloc.get_traced_memory()[0] - before
        unreachable = gc.collect()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 10_000
    assert unreachable < 1000  # less than one object for each run

"""Gradients of eager functions."""

from __future__ import annotations

import numpy as np
import pytest

import unidl
from unidl.backend import Variable


def host(backend, xs):
    return [backend.to_numpy(x) for x in xs]


def test_value_gradients_and_aux(backend):
    w, unused = (
        Variable(np.array([1.0, 2.0]), backend=backend),
        Variable(np.ones((2, 2)), backend=backend),
    )
    (loss, aux), grads = backend.value_and_grad(
        lambda: (backend.sum(backend.square(w.value)), [w.value]), [w, unused], has_aux=True
    )
    assert float(backend.to_numpy(loss)) == 5
    np.testing.assert_array_equal(backend.to_numpy(aux[0]), [1, 2])
    for got, want in zip(host(backend, grads), ([2, 4], np.zeros((2, 2))), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_value_that_depends_on_nothing_has_zero_gradients(backend):
    w = Variable(np.ones(3), backend=backend)
    value, (grad,) = backend.value_and_grad(lambda: backend.asarray(2.0), [w])
    assert float(backend.to_numpy(value)) == 2
    np.testing.assert_array_equal(backend.to_numpy(grad), np.zeros(3))


def test_no_autograd_state_is_left_behind(backend):
    w, seen = (
        Variable(np.ones(3), backend=backend),
        Variable(np.zeros(3), backend=backend, trainable=False),
    )
    before = w._store
    x = backend.asarray(np.ones(3))

    def fn():
        y = backend.multiply(w.value, x)
        seen.assign(y)
        return backend.sum(y), [y]

    (loss, (y,)), _ = backend.value_and_grad(fn, [w], has_aux=True)
    assert w._store is before
    for array in (before, x, loss, y, seen.value):
        assert array.grad is None
        with pytest.raises(Exception, match="nothing that this depends on"):
            array.backward()
    np.testing.assert_array_equal(seen.numpy(), np.ones(3))


def test_assignment_to_a_differentiated_variable_stays(backend):
    w = Variable(np.array([2.0]), backend=backend)

    def fn():
        y = backend.sum(backend.square(w.value))
        w.assign([5.0])
        return y

    _, (grad,) = backend.value_and_grad(fn, [w])
    assert w.numpy() == [5.0]
    assert backend.to_numpy(grad) == [4.0]


def test_errors_teach(backend):
    w = Variable(np.ones(3), backend=backend)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        backend.value_and_grad(lambda: w.value, [w])
    with pytest.raises(TypeError, match="float"):
        backend.value_and_grad(lambda: 1.0, [w])
    with pytest.raises(Exception, match=r"(?i)shape|broadcast"):
        backend.value_and_grad(
            lambda: backend.sum(backend.add(w.value, backend.asarray(np.ones(4)))), [w]
        )
    w.assign(np.zeros(3))  # the failed calls left the Variable usable


def test_memory_is_flat_over_steps(backend):
    w, mean = (
        Variable(np.ones(1000), backend=backend),
        Variable(np.ones(1000), backend=backend, trainable=False),
    )

    def fn():
        mean.assign(backend.multiply(backend.add(mean.value, w.value), 0.5))
        return backend.sum(backend.multiply(w.value, mean.value))

    for _ in range(300):  # a tape kept alive by `mean` would overflow the stack when it is freed
        backend.value_and_grad(fn, [w])
    assert mean.value.grad is None


def test_sums_may_grow_in_place():
    w = unidl.Variable([1.0, 2.0], backend="mxnet")

    def total():
        found = unidl.ops.sum(w.value)
        found += unidl.ops.sum(w.value * w.value)
        found *= 2.0
        return found

    value, (gradient,) = unidl.value_and_grad(total, [w])
    assert float(value) == 16.0
    np.testing.assert_allclose(unidl.ops.convert_to_numpy(gradient), [6.0, 10.0])


def test_outside_of_a_recording_arrays_change_in_place():
    with unidl.use_backend("mxnet"):
        x = same = unidl.ops.ones((2,))
    x += 1.0
    assert same is x

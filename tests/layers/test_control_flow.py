"""Branches and loops over a layer's own weights, in the compiled training step: the weights of
eager training on NumPy."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.backend import UnsupportedError, use_backend

pytestmark = pytest.mark.usefixtures("float64")

STEPS = 3


def _cond(x, w):
    return ops.cond(
        ops.greater(ops.sum(x), 0.0), lambda: ops.multiply(x, w), lambda: ops.sin(ops.add(x, w))
    )


def _switch(x, w):
    return ops.switch(
        ops.argmax(ops.sum(x, axis=0)),
        [lambda v: ops.multiply(v, w), lambda v: ops.exp(ops.multiply(v, w))],
        x,
    )


def _fori_loop(x, w):
    return ops.fori_loop(
        0, 3, lambda i, v: ops.tanh(ops.add(ops.multiply(v, w), ops.cast(i, ops.dtype(v)))), x
    )


def _while_loop(x, w):
    """How often depends on the values."""
    return ops.while_loop(
        lambda v: ops.less(ops.sum(ops.square(v)), 60.0),
        lambda v: ops.add(ops.multiply(v, 1.25), ops.multiply(w, ops.sign(v))),
        x,
        maximum_iterations=12,
    )


def _scan(x, w):
    return ops.scan(
        lambda carry, row: (ops.tanh(ops.add(carry, ops.multiply(row, w))), ops.multiply(carry, w)),
        ops.sin(x[0]),
        x,
    )[1]


def _associative_scan(x, w):
    return ops.associative_scan(lambda a, b: ops.add(ops.multiply(a, w), b), x)


def _map(x, w):
    return ops.map(lambda row: ops.multiply(ops.sin(row), w), x)


def _vectorized_map(x, w):
    return ops.vectorized_map(lambda row: ops.softmax(ops.multiply(row, w)), x)


def _custom_gradient(x, w):
    """With a gradient that no other function has."""

    @ops.custom_gradient
    def function(a, b):
        return ops.multiply(a, b), lambda up: (
            ops.multiply(up, b),
            ops.sum(ops.multiply(up, a), axis=0) * 3.0,
        )

    return function(x, w)


FUNCTIONS = [
    _cond,
    _switch,
    _fori_loop,
    _while_loop,
    _scan,
    _associative_scan,
    _map,
    _vectorized_map,
    _custom_gradient,
]


class Controlled(layers.Layer):
    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def build(self, input_shape):
        self.weight = self.add_weight(
            (input_shape[-1],), unidl.initializers.Constant(0.75), name="weight"
        )

    def call(self, inputs):
        return self.function(inputs, self.weight.value)


def _trained(function, eagerly):
    unidl.utils.set_random_seed(4)
    model = unidl.Sequential(
        [unidl.Input((2,), batch_size=4), layers.Dense(2), Controlled(function), layers.Dense(1)]
    )
    model.compile(unidl.optimizers.SGD(0.05), "mse", run_eagerly=eagerly)
    draw = np.random.default_rng(0)
    before = model.get_weights()
    for sign in (1.0, -1.0) * STEPS:
        x = np.abs(draw.normal(size=(4, 2))) * sign
        model.train_on_batch(x, np.ones((4, 1)))
    weights = model.get_weights()
    moved = [np.abs(a - b).max() for a, b in zip(weights, before, strict=True)]
    assert min(moved) > 1e-4, moved
    return weights


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__[1:])
def test_trains_as_eagerly_on_numpy(backend, function):
    if "not in compiled functions" in backend.limits.get(function.__name__[1:], ""):
        with pytest.raises(UnsupportedError, match="run_eagerly=True"):
            _trained(function, eagerly=False)
        found = _trained(function, eagerly=True)
    else:
        found = _trained(function, eagerly=False)
    with use_backend("numpy"):
        expected = _trained(function, eagerly=True)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)

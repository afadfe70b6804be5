"""TensorFlow's LSTM kernel is the contract's body, with gradients of any order, of which TensorFlow
has the first."""

from __future__ import annotations

import numpy as np
import pytest

import unidl
from unidl.backend import registry
from unidl.backend.contract.recurrent import Recurrent
from unidl_tensorflow.load import tf

BATCH, TIME, DEPTH, UNITS = 3, 6, 5, 4
SHAPES = (
    (BATCH, TIME, DEPTH),
    (BATCH, UNITS),
    (BATCH, UNITS),
    (DEPTH, 4 * UNITS),
    (UNITS, 4 * UNITS),
    (4 * UNITS,),
)


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    return [tf.constant(0.4 * rng.normal(size=shape), tf.float32) for shape in SHAPES]


@pytest.fixture(params=[False, True], ids=["forwards", "backwards"])
def both(request):
    """The kernel, and the steps one by one."""
    backend = registry.get_backend("tensorflow")
    return lambda *xs: backend.lstm(*xs, reverse=request.param), lambda *xs: Recurrent.lstm(
        backend, *xs, reverse=request.param
    )


def first_gradient(lstm, tensors):
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, h, c = lstm(*tensors)
        result = tf.reduce_sum(outputs**2) + tf.reduce_sum(h**3) + tf.reduce_sum(tf.sin(c))
    return tape.gradient(result, tensors)


def second_gradient(lstm, tensors):
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        result = sum(tf.reduce_sum(tf.sin(g)) for g in first_gradient(lstm, tensors))
    return tape.gradient(result, tensors)


def directional(lstm, tensors):
    with tf.autodiff.ForwardAccumulator(tensors, [tf.ones_like(x) for x in tensors]) as forward:
        outputs = lstm(*tensors)
    return forward.jvp(outputs)


def outputs(lstm, tensors):
    return lstm(*tensors)


@pytest.mark.parametrize("what", [outputs, first_gradient, second_gradient, directional])
@pytest.mark.parametrize(
    "graph",
    [pytest.param(False, id="eager", marks=pytest.mark.slow), pytest.param(True, id="graph")],
)
def test_the_kernel_is_the_steps_one_by_one(both, tensors, what, graph):
    found, expected = (
        tf.function(what, autograph=False)(f, tensors) if graph else what(f, tensors) for f in both
    )
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=2e-6)


def test_the_graph_does_not_grow_with_the_sequence(tensors):
    backend = registry.get_backend("tensorflow")

    def size(time):
        x = tf.zeros((BATCH, time, DEPTH))
        traced = tf.function(
            lambda x: first_gradient(backend.lstm, [x, *tensors[1:]]), autograph=False
        ).get_concrete_function(x)
        return len(traced.graph.get_operations())

    assert size(60) == size(2)


def test_xla_which_has_no_such_kernel_trains_the_same(tensors):
    def losses(jit_compile):
        unidl.utils.set_random_seed(0)
        with unidl.use_backend("tensorflow"):
            model = unidl.Sequential(
                [unidl.Input((TIME, DEPTH)), unidl.layers.LSTM(UNITS), unidl.layers.Dense(1)]
            )
            model.compile("adam", loss="mse", jit_compile=jit_compile)
            x = tensors[0].numpy()
            return model.fit(x, x[:, 0, :1], epochs=2, verbose=0).history["loss"]

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-5)

"""Every layer case against Keras, in float64: config, forward, gradients of inputs and weights, and what a call assigns."""

import zlib

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import ops, tree
from unidl.autodiff import value_and_grad
from unidl.backend import Variable, get_backend, use_backend
from unidl.conformance.cases.layers import LAYER_CASES

COMPARED = [case for case in LAYER_CASES if not case.random]


@pytest.fixture(scope="module")
def keras():
    with in_float64() as module:
        yield module


def _is_float(array):
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


def _weight_values(layer, case, draw):
    """Random values for all weights, so that no bias is zero and no scale is one."""
    values = []
    for weight in layer.weights:
        value = draw.normal(size=weight.shape)
        values.append(np.abs(value) + 0.5 if weight.name in case.positive else value)
    return values


def _weighted(multiply_and_sum, outputs, cotangents):
    total = None
    for output, cotangent in zip(outputs, cotangents, strict=True):
        term = multiply_and_sum(output, cotangent)
        total = term if total is None else total + term
    return total


def _run_unidl(layer, args, kwargs, cotangents):
    """(outputs, gradients of float inputs, gradients of the weights) as arrays."""
    variables = [Variable(a) for a in tree.flatten(args) if _is_float(a)]
    feed = iter(variables)
    symbols = tree.map_structure(lambda a: next(feed) if _is_float(a) else a, args)

    def loss():
        given = tree.map_structure(lambda a: a.value if isinstance(a, Variable) else a, symbols)
        outputs = tree.flatten(layer(*given, **kwargs))
        return _weighted(lambda y, c: ops.sum(ops.multiply(y, c)), outputs, cotangents), outputs

    (_, outputs), gradients = value_and_grad(loss, [*variables, *layer.trainable_variables], has_aux=True)
    return [ops.convert_to_numpy(x) for x in outputs], [ops.convert_to_numpy(g) for g in gradients]


def _run_keras(keras, layer, args, kwargs, cotangents):
    import tensorflow as tf

    tensors = tree.map_structure(tf.convert_to_tensor, args)
    watched = [t for t in tree.flatten(tensors) if t.dtype.is_floating]
    kwargs = {k: tree.map_structure(lambda a: tf.convert_to_tensor(a) if isinstance(a, np.ndarray) else a, v) for k, v in kwargs.items()}
    if "query_mask" in kwargs:
        # Keras reads the query's mask from the tensor alone and ignores the argument.
        keras.src.backend.set_keras_mask(tensors[0], kwargs["query_mask"])
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = tree.flatten(layer(*tensors, **kwargs))
        total = _weighted(lambda y, c: tf.reduce_sum(y * c), outputs, cotangents)
    gradients = tape.gradient(total, [*watched, *(v.value for v in layer.trainable_variables)], unconnected_gradients="zero")
    return [np.asarray(x) for x in outputs], [np.asarray(tf.convert_to_tensor(g)) for g in gradients]


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: case.name)
def test_as_keras(case, keras):
    if case.name in KERAS_CANNOT:
        pytest.skip(KERAS_CANNOT[case.name])
    draw = np.random.default_rng(zlib.crc32(case.name.encode()))
    args = case.inputs(draw)
    with use_backend("numpy"):
        ours = case.make()
        first = tree.flatten(ours(*args, **case.kwargs))
        values = _weight_values(ours, case, draw)
        cotangents = [draw.normal(size=y.shape) for y in first]

        config = ours.get_config()
        theirs = getattr(keras.layers, type(ours).__name__).from_config(dict(config))
        their_config = theirs.get_config()
        theirs(*args, **{k: v for k, v in case.kwargs.items() if k != "query_mask"})
        assert set(config) == set(their_config)
        ours = type(ours).from_config(their_config)
        assert ours.get_config() == config
        ours(*args, **case.kwargs)
        assert [(w.name, tuple(w.shape)) for w in ours.weights] == [(w.name, tuple(w.shape)) for w in theirs.weights]
        ours.set_weights(values)
        theirs.set_weights(values)
        for layer in (ours, theirs):
            if getattr(layer, "stateful", False):
                layer.reset_state()

        got, got_gradients = _run_unidl(ours, args, case.kwargs, cotangents)
        wanted, wanted_gradients = _run_keras(keras, theirs, args, case.kwargs, cotangents)
    assert len(got) == len(wanted)
    assert len(got_gradients) == len(wanted_gradients)
    for a, b in zip(got, wanted, strict=True):
        close(a, b)
    largest = max((np.abs(g).max(initial=0.0) for g in wanted_gradients), default=0.0)
    for a, b in zip(got_gradients, wanted_gradients, strict=True):
        # Some gradients are zero by symmetry (a key's bias), and what is computed is rounding of terms as large as the others.
        if np.abs(b).max(initial=0.0) < 1e-12 * largest:
            assert np.abs(a).max(initial=0.0) < 1e-12 * largest
        else:
            close(a, b)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        close(a.numpy(), b.numpy())


_EMPTY = "its TensorFlow backend adds by BiasAdd, which refuses an empty batch"
# What Keras itself fails on; unidl's own results there are tested in test_edges.py.
KERAS_CANNOT = {
    "Add, empty batch": _EMPTY,
    "LSTM, empty batch": _EMPTY,
    "Conv2D, channels first": "TensorFlow has no such convolution on a CPU",
    "Activation, gelu": "it rounds the square root of 2 to float32",
}


def test_all_layers_have_cases():
    from unidl import layers

    made = {type(case.make()) for case in LAYER_CASES}
    public = {getattr(layers, name) for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    assert {c.__name__ for c in public - made if issubclass(c, layers.Layer)} == {"Layer", "InputLayer"}
    assert get_backend("numpy").name == "numpy"

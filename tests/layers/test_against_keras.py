"""Every layer case against Keras, in float64: config, forward, gradients of inputs and weights, and
what a call assigns."""

import copy
import zlib
from collections import Counter

import numpy as np
import pytest

from tests.layers.running import run_unidl, weight_values, weighted
from tests.reference import close, in_float64
from unidl import layers, tree
from unidl.backend import use_backend
from unidl.conformance.cases.layers import LAYER_CASES

# Keras adds -1e9 also where nothing else is left, beside which a score has seven digits.
TOLERANCE = {f"{name}, a sample without keys": 1e-6 for name in ("Attention", "AdditiveAttention")}
COMPARED = [case for case in LAYER_CASES if not case.random]


@pytest.fixture(scope="module")
def keras():
    with in_float64() as module:
        yield module


def _run_keras(keras, layer, args, kwargs, cotangents):
    import tensorflow as tf

    tensors = tree.map_structure(tf.convert_to_tensor, args)
    watched = [t for t in tree.flatten(tensors) if t.dtype.is_floating]
    kwargs = {
        k: tree.map_structure(
            lambda a: tf.convert_to_tensor(a) if isinstance(a, np.ndarray) else a, v
        )
        for k, v in kwargs.items()
    }
    if "query_mask" in kwargs:
        # Keras reads the query's mask from the tensor alone and ignores the argument.
        keras.src.backend.set_keras_mask(tensors[0], kwargs["query_mask"])
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = tree.flatten(layer(*tensors, **kwargs))
        total = weighted(lambda y, c: tf.reduce_sum(y * c), outputs, cotangents)
    gradients = tape.gradient(
        total,
        [*watched, *(v.value for v in layer.trainable_variables)],
        unconnected_gradients="zero",
    )
    return [np.asarray(x) for x in outputs], [
        np.asarray(tf.convert_to_tensor(g)) for g in gradients
    ]


def unbuilt(config):
    """The config without the shapes for which layers within were built."""
    if isinstance(config, dict):
        return {k: unbuilt(v) for k, v in config.items() if k != "build_config"}
    return [unbuilt(v) for v in config] if isinstance(config, list) else config


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: case.name)
def test_as_keras(case, keras):
    if case.name in KERAS_CANNOT:
        pytest.skip(KERAS_CANNOT[case.name])
    draw = np.random.default_rng(zlib.crc32(case.name.encode()))
    args = case.inputs(draw)
    with use_backend("numpy"):
        ours = case.make()
        first = tree.flatten(ours(*args, **case.kwargs))
        values = weight_values(ours, case, draw)
        cotangents = [draw.normal(size=y.shape) for y in first]

        config = ours.get_config()
        theirs = getattr(keras.layers, type(ours).__name__).from_config(
            copy.deepcopy(config)
        )  # some pop from nested dicts
        their_config = theirs.get_config()
        theirs(*args, **{k: v for k, v in case.kwargs.items() if k != "query_mask"})
        assert set(config) == set(their_config)
        ours = type(ours).from_config(their_config)
        assert unbuilt(ours.get_config()) == unbuilt(config)
        ours(*args, **case.kwargs)
        assert [(w.name, tuple(w.shape)) for w in ours.weights] == [
            (w.name, tuple(w.shape)) for w in theirs.weights
        ]
        ours.set_weights(values)
        theirs.set_weights(values)
        for layer in (ours, theirs):
            if getattr(layer, "stateful", False):
                layer.reset_state()

        got, got_gradients = run_unidl(ours, args, case.kwargs, cotangents)
        wanted, wanted_gradients = _run_keras(keras, theirs, args, case.kwargs, cotangents)
    assert len(got) == len(wanted)
    assert len(got_gradients) == len(wanted_gradients)
    tolerance = TOLERANCE.get(case.name, 1e-11)
    for a, b in zip(got, wanted, strict=True):
        close(a, b, tolerance)
    if type(ours).__name__.startswith("AdaptiveMaxPooling"):
        return  # it has no weights, and Keras' gradient holds uninitialised memory
    largest = max((np.abs(g).max(initial=0.0) for g in wanted_gradients), default=0.0)
    for a, b in zip(got_gradients, wanted_gradients, strict=True):
        # Some gradients are zero by symmetry (a key's bias), and what is computed is rounding of
        # terms as large as the others.
        if np.abs(b).max(initial=0.0) < 1e-12 * largest:
            assert np.abs(a).max(initial=0.0) < 1e-12 * largest
        else:
            close(a, b, tolerance)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        close(a.numpy(), b.numpy())


_EMPTY = "its TensorFlow backend adds by BiasAdd, which refuses an empty batch"
_NCHW = "TensorFlow has no such convolution on a CPU"
_DILATED = "TensorFlow has no dilated transposed convolution on a CPU"
_RESIZE = "TensorFlow resizes in float32, bicubic with a table of weights"
_POOL_3D = "TensorFlow has no pooling of volumes in float64"
_ADAPTED = "it reads its weights only when `adapt` ends, not after set_weights"
RESIZED = [
    case.name
    for case in COMPARED
    if case.name.startswith("Resizing")
    and case.make().interpolation != "nearest"
    and "empty batch" not in case.name
]
# What Keras itself fails on; unidl's own results there are tested in test_edges.py, test_windows.py
# and test_small.py.
KERAS_CANNOT = {
    "Add, empty batch": _EMPTY,
    "LSTM, empty batch": _EMPTY,
    "Conv2D, channels first": _NCHW,
    "Conv1D, causal, channels first": _NCHW,
    "Conv2DTranspose, channels first": _NCHW,
    "Conv1DTranspose, valid, dilation": _DILATED,
    "Conv1DTranspose, same, dilation": _DILATED,
    "SeparableConv2D, channels first": "its TensorFlow backend adds the bias along the width "
    "instead of the channels",
    **{
        f"{kind}Pooling3D{rest}": _POOL_3D
        for kind in ("Max", "Average")
        for rest in ("", ", same", ", channels first")
    },
    **{
        f"Adaptive{kind}Pooling3D{rest}": _POOL_3D
        for kind in ("Max", "Average")
        for rest in ("", ", axes", ", channels first")
    },
    "UpSampling2D, bilinear": _RESIZE,
    "UpSampling2D, bilinear, channels first": _RESIZE,
    "UpSampling2D, bicubic": _RESIZE,
    **dict.fromkeys(RESIZED, _RESIZE),
    "RNN, cells, stateful": "its reset_state does not reach into nested states",
    "Normalization, by weights": _ADAPTED,
    "ConvLSTM2D, channels first": _NCHW,
    "RMSNormalization, axis 1": "it broadcasts the scale along the last axis",
    "LeakyReLU": "TensorFlow rounds the slope to float32",
    "Activation, gelu": "it rounds the square root of 2 to float32",
}


def test_all_layers_have_three_cases():
    made = Counter(type(case.make()) for case in LAYER_CASES)
    public = {
        getattr(layers, name) for name in layers.__all__ if isinstance(getattr(layers, name), type)
    }
    assert {c.__name__ for c in public if issubclass(c, layers.Layer) and made[c] < 3} == {
        "Layer",
        "InputLayer",
        "Wrapper",
    }

"""Masks in written source: made where they are, handed to the layers that read them."""

from __future__ import annotations

import importlib.util
import runpy
from contextlib import contextmanager

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.port import PortError, to_native, to_source

TARGETS = {"torch": "torch", "numpy": "numpy", "gluon": "mxnet", "jax": "flax"}
TOKENS = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 0, 6, 7, 0], [0, 0, 8, 0, 1, 2]], "int32")
OTHERS = np.array([[3, 0, 2, 1], [1, 1, 2, 0], [8, 0, 0, 0]], "int32")
STEPS = np.random.RandomState(0).normal(size=(3, 6, 3)).astype("float32")
STEPS[0, 3:], STEPS[1, 2], STEPS[2, 0] = 0.0, 0.0, 0.0


@pytest.fixture(params=list(TARGETS))
def target(request):
    if importlib.util.find_spec(TARGETS[request.param]) is None:
        pytest.skip(f"{TARGETS[request.param]} is not installed")
    return request.param


def tokens(*shape, name="tokens"):
    given = unidl.Input(shape, dtype="int32", name=name)
    return given, layers.Embedding(9, 8, mask_zero=True, name=f"table_of_{name}")(given)


def reader():
    x, y = tokens(None)
    y = layers.Dense(5, name="head")(layers.LSTM(5, name="lstm")(layers.Dropout(0.2)(y)))
    return unidl.Model(x, y, name="reader")


def both_ways():
    x, y = tokens(6)
    y = layers.Bidirectional(layers.GRU(4, return_sequences=True), name="whole")(y)
    y = layers.Bidirectional(layers.SimpleRNN(3, activation="relu"), "sum", name="ends")(y)
    return unidl.Model(x, layers.Dense(2, name="head")(y), name="both_ways")


def pooled():
    x, y = tokens(6)
    y = layers.MultiHeadAttention(2, 4, dropout=0.1, name="attention")(y, y)
    y = layers.GlobalAveragePooling1D(name="mean")(y)
    return unidl.Model(x, layers.Dense(2, name="head")(y), name="pooled")


def tagger():
    x = unidl.Input((6, 3), name="x")
    y = layers.LSTM(5, return_sequences=True, name="lstm")(layers.Masking(name="padding")(x))
    y = layers.TimeDistributed(layers.Dense(2, "softmax"), name="tags")(y)
    return unidl.Model(x, y, name="tagger")


def transformer():
    """Blocks that repeat, causal and padded; what padded queries give is seen."""
    x, y = tokens(6)
    for i in range(2):
        z = layers.LayerNormalization(name=f"before_{i}")(y)
        attend = layers.MultiHeadAttention(2, 4, dropout=0.1, name=f"attention_{i}")
        y = layers.Add(name=f"add_{i}")([y, attend(z, z, use_causal_mask=True)])
        z = layers.Dense(16, "gelu", name=f"wide_{i}")(y)
        y = layers.Add(name=f"sum_{i}")([y, layers.Dense(8, name=f"narrow_{i}")(z)])
    return unidl.Model(x, layers.Dense(9, name="next")(y), name="transformer")


def translator():
    """Masks of two texts: across, joined, and together."""
    source, s = tokens(6, name="source")
    given, g = tokens(4, name="given")
    across = layers.MultiHeadAttention(2, 3, name="across")(g, s)
    weighed = layers.AdditiveAttention(name="weighed")([g, s])
    y = layers.Concatenate(name="wide")([across, weighed, layers.Attention(name="plain")([g, s])])
    long = layers.Concatenate(axis=1, name="long")([s, g])
    ends = [layers.GRU(3, name="one")(y), layers.LSTM(3, name="other")(long)]
    y = layers.Add(name="all")([layers.Dense(3, name="all_of_given")(g), y[..., :3]])
    return unidl.Model([source, given], [*ends, y], name="translator")


def states():
    x, y = tokens(6)
    first = unidl.Input((4,), name="first")
    y, h, c = layers.LSTM(4, return_sequences=True, return_state=True, name="lstm")(
        y, initial_state=[first, first], mask=ops.not_equal(x, 0)
    )
    return unidl.Model([x, first], [y, h, c], name="states")


class Weighed(layers.Layer):
    """A layer of a user's own that reads a mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking, self.score = True, layers.Dense(1, name="score")

    def call(self, inputs, mask=None):
        scores = self.score(inputs)[..., 0]
        return ops.sum(ops.expand_dims(layers.Softmax()(scores, mask), -1) * inputs, axis=1)


class Within(layers.Layer):
    """One that does not, around layers that do."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.GRU(3, name="inner")

    def call(self, inputs):
        return ops.tanh(self.inner(inputs))


def own_layers():
    x, y = tokens(6)
    inside = unidl.Sequential(
        [unidl.Input((6, 8)), layers.Dense(4), layers.GRU(4, return_sequences=True)], name="inside"
    )
    outputs = [Weighed(name="weighed")(y), Within(name="within")(y)]
    return unidl.Model(x, [*outputs, layers.LSTM(2, name="after")(inside(y))], name="own_layers")


MODELS = {
    reader: [TOKENS], both_ways: [TOKENS], pooled: [TOKENS], tagger: [STEPS],
    transformer: [TOKENS], translator: [TOKENS, OTHERS], own_layers: [TOKENS],
    states: [TOKENS, STEPS[:, 0, :1] + np.ones((3, 4), "float32")],
}  # fmt: skip


# JAX compiles each for ten seconds.
QUICK = (reader, pooled)


def _cases():
    for target in TARGETS:
        for make in MODELS:
            marks = [pytest.mark.slow] * (target == "jax" and make not in QUICK)
            yield pytest.param(target, make, marks=marks, id=f"{target}-{make.__name__}")


@pytest.mark.parametrize(("target", "make"), _cases(), indirect=["target"])
def test_equal(target, make, tmp_path):
    """Outputs, gradients and steps; and what the file computes by itself, with dropout in it."""
    unidl.utils.set_random_seed(1)
    found = to_source(make(), target, tmp_path / "net.py", example_inputs=MODELS[make])
    assert found.proof.passed, str(found.proof)
    assert max(map(len, found.source.splitlines())) <= 100
    with _as_it_was(target):
        runpy.run_path(str(tmp_path / "net.py"), run_name="__main__")


@contextmanager
def _as_it_was(target):
    """What files change in the process is changed back: the dtype of torch, NumPy for MXNet, the
    bits of JAX."""
    had = "bool" in vars(np)
    yield
    if not had:
        vars(np).pop("bool", None)
    if target == "torch":
        importlib.import_module("torch").set_default_dtype(importlib.import_module("torch").float32)
    if target == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", False)


@pytest.mark.parametrize("mask", [np.array([[True, False, True, False]]), None])
def test_masks_that_are_given(target, mask, tmp_path):
    x, number = unidl.Input((4, 3)), unidl.Input((4,), dtype="int32")
    keep = ops.not_equal(number, 0)
    given = keep if mask is None else np.repeat(mask, 3, axis=0)
    y = layers.GRU(2)(x, mask=given) + layers.Attention()([x, x], mask=[None, keep])[:, 0, :2]
    inputs = [STEPS[:, :4] + 1, np.array([[1, 0, 2, 1], [0, 1, 1, 3], [1, 1, 0, 0]], "int32")]
    found = to_source(unidl.Model([x, number], y), target, tmp_path / "net.py", inputs)
    assert found.proof.passed, str(found.proof)


class Twice(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.GRU(3, name="inner")

    def call(self, inputs):
        return self.inner(inputs * 2.0) + self.inner(inputs)


REASONS = {
    "norm": (
        lambda y: layers.BatchNormalization(name="norm")(y),
        "norm: batch normalization with a mask, whose moments leave steps out",
    ),
    "twice": (
        lambda y: Twice(name="twice")(y),
        "twice/inner: it gets a mask at one place and none at another",
    ),
    "after": (
        lambda y: layers.GRU(3, name="after")(
            unidl.Sequential([unidl.Input((6, 8)), layers.Masking()], name="inside")(y * 1.0)
        ),
        "after: it gets a mask that inside makes within itself",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_is_refused(name):
    make, reason = REASONS[name]
    x, y = tokens(6)
    with pytest.raises(PortError) as error:
        to_native(unidl.Model(x, make(y)), "torch", verify=False)
    assert reason in str(error.value)

"""remat around the blocks of real networks: values, gradients, and the memory of a step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import unidl
from unidl import layers, ops

RANDOM = np.random.RandomState(0)
TOKENS = RANDOM.randint(1, 12, (8, 6))
TOKENS[::2, 4:] = 0  # padded
CLASSES = RANDOM.randint(0, 3, 8)
SERIES = RANDOM.normal(size=(8, 5, 4)).astype("float32")


class Block(layers.Layer):
    """A transformer's: attention and a perceptron, each beside what it adds to."""

    def __init__(self, width, causal, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.width, self.causal = width, causal
        made = {"dtype": self.dtype_policy}
        self.attention = layers.MultiHeadAttention(2, width // 2, dropout=0.2, seed=1, **made)
        self.norms = [layers.LayerNormalization(**made) for _ in range(2)]
        self.wide = layers.Dense(3 * width, "gelu", **made)
        self.narrow = layers.Dense(width, **made)
        self.drop = layers.Dropout(0.2, seed=2, **made)

    def build(self, input_shape):
        self.attention.build(input_shape, input_shape)
        for norm in self.norms:
            norm.build(input_shape)
        self.wide.build(input_shape)
        self.narrow.build((*input_shape[:-1], 3 * self.width))

    def call(self, inputs, training=False):
        h = self.norms[0](inputs)
        h = inputs + self.attention(h, h, use_causal_mask=self.causal, training=training)
        inner = self.drop(self.wide(self.norms[1](h)), training=training)
        return h + self.narrow(inner)


def _transformer(mode, causal=False):
    unidl.utils.set_random_seed(3)
    with unidl.RematScope(mode, output_size_threshold=100, layer_names=["first", "second"]):
        inside = [
            layers.Embedding(12, 4, mask_zero=True),
            Block(4, causal, name="first"),
            Block(4, causal, name="second"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, "softmax"),
        ]
    return unidl.Sequential([unidl.Input((6,), dtype="int32"), *inside])


def _recurrent(mode, kind="LSTM"):
    unidl.utils.set_random_seed(3)
    with unidl.RematScope(mode, output_size_threshold=10, layer_names=["first", "second"]):
        inside = [
            layers.Bidirectional(
                getattr(layers, kind)(3, return_sequences=True, dropout=0.2), name="first"
            ),
            getattr(layers, kind)(3, name="second"),
            layers.Dense(3, "softmax"),
        ]
    return unidl.Sequential([unidl.Input((5, 4)), *inside])


def _trained(model, x, run_eagerly):
    model.compile(
        unidl.optimizers.SGD(0.5), "sparse_categorical_crossentropy", run_eagerly=run_eagerly
    )
    history = model.fit(x, CLASSES, epochs=2, batch_size=4, verbose=0, shuffle=False)
    return [*model.get_weights(), np.array(history.history["loss"])]


def _close(found, wanted, rtol=2e-5):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=2e-6)


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_a_transformer_trains_to_the_same_weights(backend, run_eagerly):
    plain = _trained(_transformer(None), TOKENS, run_eagerly)
    for mode in ("list_of_layers",):
        _close(_trained(_transformer(mode), TOKENS, run_eagerly), plain)


def test_gradients_of_a_transformer_block(backend):
    """For the inputs and each weight, in float64, with a causal mask and dropout."""
    unidl.utils.set_random_seed(1)
    block = Block(4, True, dtype="float64")
    x = unidl.Variable(RANDOM.normal(size=(2, 5, 4)), dtype="float64")
    block(x.value)
    variables = [x, *block.trainable_weights]
    generators = [(g, g.get_state()) for g in block._seed_generators]

    def numbers(function):
        for generator, state in generators:
            generator.set_state(state)
        value, gradients = unidl.value_and_grad(
            lambda: ops.sum(ops.square(function(x.value, training=True))), variables
        )
        return [ops.convert_to_numpy(each) for each in (value, *gradients)]

    plain = numbers(block)
    assert len(plain) == 2 + 8 + 4 + 4
    for found, wanted in zip(numbers(unidl.remat(block)), plain, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "kind", ["LSTM", *(pytest.param(k, marks=pytest.mark.slow) for k in ("GRU", "SimpleRNN"))]
)
@pytest.mark.parametrize("run_eagerly", [True, False])
def test_recurrent_layers_train_to_the_same_weights(backend, kind, run_eagerly):
    plain = _trained(_recurrent(None, kind), SERIES, run_eagerly)
    for mode in ("full",) if run_eagerly else ("list_of_layers",):
        _close(_trained(_recurrent(mode, kind), SERIES, run_eagerly), plain)


def peak_growth(mode, run_eagerly):
    """By how many MB the memory of this process grows at most while it trains."""
    unidl.utils.set_random_seed(1)
    names = [f"block_{i}" for i in range(6)]
    with unidl.RematScope(mode, layer_names=names):
        blocks = [Block(64, True, name=name) for name in names]
    model = unidl.Sequential([unidl.Input((64, 64)), *blocks, layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=run_eagerly)
    x = RANDOM.normal(size=(64, 64, 64)).astype("float32")
    y = np.zeros((64, 64, 1), "float32")
    model.fit(x[:1], y[:1], verbose=0)  # what is there whatever the size
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what is there now
    before = _peak()
    model.fit(x, y, batch_size=64, epochs=2, verbose=0)
    return (_peak() - before) / 1024


def _peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")
@pytest.mark.parametrize("run_eagerly", [True, False])
def test_the_peak_of_memory_falls(backend, run_eagerly):
    if backend.name == "jax":
        pytest.skip("XLA on the CPU drops the barrier: docs/memory.md")
    grown = {}
    for mode in (None, "list_of_layers"):
        script = (
            "import sys, unidl; from tests.layers.test_remat_blocks import peak_growth\n"
            f"unidl.set_backend({backend.name!r}); print(peak_growth({mode!r}, {run_eagerly}))"
        )
        # glibc keeps small blocks that torch gives back.
        env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
        run = subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
        )
        grown[mode] = float(run.stdout.split()[-1])
    print(backend.name, run_eagerly, grown)
    assert grown["list_of_layers"] < 0.8 * grown[None]

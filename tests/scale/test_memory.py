"""Long runs hold their memory, and data on disk stay there."""

import gc
import re
from pathlib import Path

import numpy as np
import pytest

import unidl
from unidl import layers

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="reads the memory of the process as Linux tells it",
)

STEPS, BATCH = 2_000, 8


def _private_mb():
    """Memory that belongs to this process alone: pages of files that are mapped do not count."""
    gc.collect()
    return (
        int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024
    )


def _model():
    model = unidl.Sequential(
        [
            unidl.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(2),
        ]
    )
    model.compile(
        "adam",
        loss=unidl.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


@pytest.mark.slow
def test_ten_thousand_steps_hold_their_memory(backend):
    x, y = (
        np.random.default_rng(0).normal(size=(STEPS * BATCH, 8)).astype("float32"),
        np.zeros(STEPS * BATCH, "int32"),
    )
    model = _model()
    model.fit(x, y, batch_size=BATCH, verbose=0)  # traces, and fills the pools of the framework
    before = _private_mb()
    model.fit(x, y, batch_size=BATCH, epochs=5, verbose=0)
    assert int(model.optimizer.iterations) == 6 * STEPS
    # 4 MB over 10,000 steps is 400 bytes a step: less than one small tensor kept for each.
    assert _private_mb() - before < 4


@pytest.mark.slow
def test_a_memory_map_is_trained_on_without_being_read_in(backend, tmp_path):
    rows = 1 << 21
    x = np.memmap(tmp_path / "x", dtype="float32", shape=(rows, 8), mode="w+")  # 64 MB
    x[:] = 1
    x.flush()
    y = np.memmap(tmp_path / "y", dtype="int32", shape=(rows,), mode="w+")
    model = _model()
    # Measured while fit runs, when an array of all the data, if it made one, would be alive. The
    # first call fills the pools of the framework; MXNet's grow to 33 MB and stay there.
    sizes = []
    watch = unidl.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: sizes.append(_private_mb())
    )
    # In order, since the permutation of a shuffled epoch is itself an array of this length.
    options = {"batch_size": 4096, "shuffle": False, "verbose": 0, "callbacks": [watch]}
    model.fit(x[: rows // 8], y[: rows // 8], epochs=2, **options)
    model.fit(x, y, **options)
    grown = sizes[-1] - sizes[-2]
    assert grown < 40, f"{grown:.0f} MB more, for 64 MB on disk"

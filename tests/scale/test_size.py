"""Deep and large models: the work that Python does grows no faster than the number of layers, and
not with the weights."""

import sys

import numpy as np
import pytest

import unidl
from unidl import layers

# Calls against those of linear growth.
SLACK = 1.25


def _calls(function):
    """Number of calls of Python functions that `function()` makes: unlike a time, the same at every
    run."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def _work(depth, folder):
    """{"build", "train", "save", "load"}: calls for a model of `depth` layers."""
    x, y = np.zeros((16, 8), "float32"), np.zeros((16, 1), "float32")
    found = {}

    def build():
        inputs = h = unidl.Input((8,))
        for _ in range(depth):
            h = layers.Dense(8, activation="relu")(h)
        found["model"] = unidl.Model(inputs, layers.Dense(1)(h))
        found["model"].compile("adam", loss="mse")

    counts = {"build": _calls(build)}
    model = found["model"]
    # The first pass captures or traces the step, the others only run it.
    counts["train"] = _calls(lambda: model.fit(x, y, batch_size=8, epochs=3, verbose=0))
    path = folder / f"{depth}.weights.h5"
    counts["save"] = _calls(lambda: model.save_weights(path))
    saved = model.get_weights()
    assert len(saved) == 2 * (depth + 1)
    counts["load"] = _calls(lambda: model.load_weights(path))
    for weight, loaded in zip(saved, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, loaded)
    return counts


@pytest.mark.quick_on("numpy", "torch", "mxnet")
def test_fifty_layers_cost_python_in_proportion(backend, tmp_path):
    _work(2, tmp_path)  # what is imported and cached once
    some, many = (_work(depth, tmp_path) for depth in (20, 50))
    for what, count in many.items():
        assert count <= SLACK * 2.5 * some[what], (
            f"{what}: {some[what]} calls for 20 layers, but {count} for 50"
        )


@pytest.mark.slow
def test_a_large_embedding_costs_python_no_more_than_a_small_one(backend, tmp_path):
    tokens, labels = np.arange(64).reshape(16, 4).astype("int32"), np.zeros(16, "int32")

    def work(rows):
        model = unidl.Sequential(
            [
                unidl.Input((4,), dtype="int32"),
                layers.Embedding(rows, 64),
                layers.GlobalAveragePooling1D(),
                layers.Dense(2),
            ]
        )
        model.compile("sgd", loss=unidl.losses.SparseCategoricalCrossentropy(from_logits=True))
        embedding = model.layers[0]
        before = np.array(embedding.get_weights()[0][:64])
        model.fit(tokens, labels, batch_size=8, verbose=0)
        model.save_weights(tmp_path / f"{rows}.weights.h5")
        after = embedding.get_weights()[0]
        assert after.shape == (rows, 64)
        assert not np.array_equal(before, after[:64])  # these rows were trained
        embedding.set_weights([np.zeros_like(after)])
        model.load_weights(tmp_path / f"{rows}.weights.h5")
        np.testing.assert_array_equal(embedding.get_weights()[0], after)

    work(100)
    small = _calls(lambda: work(200))
    large = _calls(lambda: work(312_500))  # 20 million
    # Files are written and read in blocks.
    assert large < SLACK * small + 20_000

"""Models without a fault pass on every installed backend, all compared in one report."""

import json

import numpy as np
import pytest

import unidl
from tests.conftest import INSTALLED
from tests.zoo import MODELS
from unidl import layers
from unidl.verify import verify
from unidl.verify.calls import WholeModel
from unidl.verify.setup import make_setup
from unidl.verify.snapshot import Snapshot, placed

RNG = np.random.default_rng(7)


def mlp():
    return unidl.Sequential(
        [
            unidl.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )


def cnn():
    return unidl.Sequential(
        [
            unidl.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(3, activation="softmax"),
        ]
    )


def lstm():
    inputs = unidl.Input((5,), dtype="int32")
    h = layers.Embedding(9, 4, mask_zero=True)(inputs)
    h = layers.LSTM(4, return_sequences=True, dropout=0.2)(h)
    return unidl.Model(inputs, layers.Dense(3, activation="softmax")(layers.LSTM(3)(h)))


def transformer():
    inputs = unidl.Input((5,), dtype="int32")
    x = layers.Embedding(9, 8)(inputs)
    h = layers.LayerNormalization()(x)
    x = layers.Add()(
        [
            x,
            layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(
                h, h, use_causal_mask=True
            ),
        ]
    )
    h = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dropout(0.1)(layers.Dense(8)(h))])
    return unidl.Model(
        inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    )


class Subclassed(unidl.Model):
    """Branches in Python, a list of layers, a function between them, a loss of its own."""

    def __init__(self):
        super().__init__(name="subclassed")
        self.blocks = [layers.Dense(6, activation="tanh", name=f"block_{i}") for i in range(2)]
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, inputs, training=None):
        x = inputs
        for block in self.blocks:
            x = unidl.ops.concatenate([x, block(x)], axis=-1)
        self.add_loss(0.01 * unidl.ops.mean(unidl.ops.square(x)))
        return self.head(self.norm(x, training=training))


DATA = {
    "mlp": (mlp, RNG.normal(size=(12, 6)), RNG.normal(size=(12, 3)), "adam", "mse"),
    "cnn": (
        cnn,
        RNG.normal(size=(12, 8, 8, 2)),
        RNG.integers(0, 3, 12),
        "sgd",
        "sparse_categorical_crossentropy",
    ),
    "lstm": (
        lstm,
        RNG.integers(0, 9, (8, 5)),
        RNG.integers(0, 3, 8),
        "rmsprop",
        "sparse_categorical_crossentropy",
    ),
    "transformer": (
        transformer,
        RNG.integers(0, 9, (8, 5)),
        RNG.integers(0, 3, 8),
        "adamw",
        "sparse_categorical_crossentropy",
    ),
    "subclassed": (Subclassed, RNG.normal(size=(8, 4)), RNG.normal(size=(8, 3)), "adam", "mse"),
}


@pytest.mark.parametrize("name", DATA)
def test_trained_models_pass(name, tmp_path):
    make, x, y, optimizer, loss = DATA[name]
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(11)
    model = make()
    model.compile(optimizer, loss, metrics=["mae"])
    report = verify(model, x, y, steps=3)
    assert report.passed, str(report)
    assert report.targets == INSTALLED
    stages = {(r.target, r.stage, r.dtype) for r in report.records}
    assert stages == {
        (t, s, d)
        for t in INSTALLED
        for s in ("layer", "model", "training")
        for d in ("float64", "float32")
    }
    assert any(
        r.what.startswith("gradient of input") or name in ("lstm", "transformer")
        for r in report.records
    )
    if name == "cnn":
        assert {r.mode for r in report.records if r.layer == "batch_normalization"} == {
            "training",
            "inference",
        }
        assert any(r.what == "new moving_mean" for r in report.records)
        report.to_json(tmp_path / "report.json")
        found = json.loads((tmp_path / "report.json").read_text())
        assert found["passed"] is True
        assert len(found["records"]) == len(report.records)
        report.to_html(tmp_path / "report.html")
        page = (tmp_path / "report.html").read_text()
        assert "Equal everywhere" in page
        # The reference, the budgets, and two plots.
        assert page.count("<polyline") == 1 + 2 + 2 * 2 * len(INSTALLED)
        assert all(word not in page for word in ("<script", "http://", "src=", "href="))


@pytest.mark.parametrize("name", ["two_ends", "dicts", "shared", "nested", "functions"])
def test_graphs_pass(name):
    """Without data, loss or optimizer: all of it is chosen, and said."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(12)
    report = verify(
        MODELS[name](unidl),
        backends=["numpy", "torch"] if "torch" in INSTALLED else ["numpy"],
        steps=2,
    )
    assert report.passed, str(report)
    told = " ".join(report.notes)
    for word in ("inputs: drawn", "targets: drawn", "loss: mean_squared_error", "optimizer: Adam"):
        assert word in told
    if name == "shared":
        assert report.layers == ["twin", "twin (call 2)", "add", "twin (call 3)", "dense"]
    if name == "functions":
        assert any(r.kind == "function" for r in report.records)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_whole_zoo_passes(name):
    unidl.utils.set_random_seed(13)
    report = verify(MODELS[name](unidl), steps=20)
    assert report.passed, str(report)


def test_a_float64_model_has_one_round():
    unidl.config.set_floatx("float64")
    try:
        model = unidl.Sequential([unidl.Input((3,)), layers.Dense(2)])
    finally:
        unidl.config.set_floatx("float32")
    report = verify(model, backends=["numpy"], steps=1)
    assert report.passed
    assert {r.dtype for r in report.records} == {"float64"}


@pytest.mark.parametrize("activation", ["softmax", "linear"])
def test_class_numbers_without_a_loss(activation):
    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(2, activation=activation)])
    report = verify(
        model, RNG.normal(size=(9, 3)), RNG.integers(0, 2, 9), backends=["numpy"], steps=2
    )
    assert report.passed, str(report)
    assert report.setup["loss"] == "SparseCategoricalCrossentropy"


def test_a_layer_alone():
    report = verify(
        layers.Dense(4, activation="tanh", name="only"),
        np.ones((2, 3)),
        backends=["numpy"],
        steps=1,
    )
    assert report.passed
    assert report.layers == ["only"]
    assert {"gradient of kernel", "gradient of bias", "gradient of input 0", "output"} <= {
        r.what for r in report.records
    }


def test_a_function_right_behind_the_input_computes_in_the_dtype_of_the_round():
    inputs = unidl.Input((4,))
    model = unidl.Model(inputs, layers.Dense(2)(unidl.ops.mean(inputs, axis=-1, keepdims=True)))
    snapshot = Snapshot(model)
    whole = WholeModel(snapshot, make_setup(model, None, None))
    for dtype in ("float64", "float32"):
        with placed(snapshot, unidl.get_backend("numpy"), dtype):
            calls = whole.run(unidl.get_backend("numpy"))
        assert [call.label for call in calls] == ["mean", "dense"]
        assert {a.dtype for call in calls for a in (*call.arrays, *call.outputs)} == {
            np.dtype(dtype)
        }


def test_what_is_printed(capsys):
    report = verify(mlp(), backends=["numpy"], steps=1)
    report.show()
    printed = capsys.readouterr().out
    assert "EQUAL" in printed
    assert "whole model" in str(report)
    assert "1 training steps" in str(report)

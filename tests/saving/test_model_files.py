"""Whole models in files: training goes on on any backend, what is written, what a layer adds."""

import functools
import json
import os
import zipfile

import numpy as np
import pytest

import unidl
from tests.reference import close
from unidl import layers, models, saving

pytest.importorskip("h5py")

STEPS, BATCH = 6, 4
X = np.random.default_rng(0).normal(size=(STEPS * BATCH, 6))
Y = np.random.default_rng(1).integers(0, 3, STEPS * BATCH)
NAMES = [row.name for row in unidl.list_backends() if row.installed]


def start(backend):
    """A fresh model with dropout, batch normalization, a layer without a seed and Adam."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(5)
    with unidl.use_backend(backend):
        inputs = unidl.Input((6,))
        # No bias: before a normalization its gradient is rounding alone.
        h = layers.BatchNormalization()(layers.Dense(8, use_bias=False)(inputs))
        h = layers.Dropout(0.3)(layers.ReLU()(h))
        h = layers.GaussianNoise(0.1, seed=-3)(h)
        model = unidl.Model(inputs, layers.Dense(3, activation="softmax")(h))
        schedule = unidl.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
        model.compile(
            unidl.optimizers.Adam(schedule, use_ema=True, gradient_accumulation_steps=2),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
    return model


def train(model):
    """STEPS steps: one epoch with a shuffle of its own. Returns the logs."""
    history = model.fit(X, Y, batch_size=BATCH, verbose=0).history
    return [history["loss"][0], history["accuracy"][0]]


@functools.cache
def never_saved():
    model = start("numpy")
    logs = [train(model) for _ in range(3)]
    return logs, model.get_weights(), [np.asarray(v) for v in model.optimizer.variables]


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_training_goes_on_as_if_nothing_had_happened(first, second, float64, tmp_path):
    wanted, weights, slots = never_saved()
    model = start(first)
    logs = [train(model), train(model)]
    model.save(tmp_path / "m.keras")
    with unidl.use_backend(second):
        model = saving.load_model(tmp_path / "m.keras")
        assert model.backend.name == second
    logs.append(train(model))
    close(logs, wanted)
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        close(ours, theirs)
    for ours, theirs in zip(model.optimizer.variables, slots, strict=True):
        close(np.asarray(ours), theirs)


def test_what_is_written(tmp_path):
    path = tmp_path / "m.keras"
    start("numpy").save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(archive.read("metadata.json"))["keras_version"] == "3.15.1"
        config = json.loads(archive.read("config.json"))
    assert config["class_name"] == "Functional"
    assert config["compile_config"]["loss"] == "sparse_categorical_crossentropy"
    assert config["config"]["layers"][1]["build_config"] == {"input_shape": [None, 6]}


def test_the_names_of_keras(tmp_path):
    model = start("numpy")
    models.save_model(model, tmp_path / "a.keras")
    saving.save_model(model, str(tmp_path / "b.keras"))
    assert models.load_model is saving.load_model
    a, b = (models.load_model(tmp_path / f"{name}.keras") for name in "ab")
    np.testing.assert_array_equal(a.predict(X, verbose=0), b.predict(X, verbose=0))
    other = models.clone_model(model)
    other.load_weights(tmp_path / "a.keras")
    np.testing.assert_array_equal(other.predict(X, verbose=0), a.predict(X, verbose=0))
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "a.keras", overwrite=False)


def test_as_a_folder(tmp_path):
    model, path = start("numpy"), tmp_path / "m"
    for _ in range(2):
        model.save(path, zipped=False)
        assert sorted(os.listdir(path)) == ["config.json", "metadata.json", "model.weights.h5"]
        assert os.listdir(tmp_path) == ["m"]
    again = saving.load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    weights = path / "model.weights.h5"
    weights.rename(tmp_path / "elsewhere")
    weights.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"'model\.weights\.h5' is a link"):
        saving.load_model(path)


def test_before_the_first_step_and_unbuilt(tmp_path):
    path = tmp_path / "m.keras"
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(1)])
    model.compile(unidl.optimizers.Adam(0.25), "mse")
    model.optimizer.learning_rate = 0.125
    model.save(path)
    again = saving.load_model(path)
    assert not again.optimizer.built
    assert float(again.optimizer.learning_rate) == 0.125
    with pytest.warns(UserWarning, match="saved without weights, since it is not built"):
        unidl.Sequential([layers.Dense(1)]).save(path)
    assert not saving.load_model(path).built


def test_only_what_fits(tmp_path):
    small, large = (
        unidl.Sequential([unidl.Input((2,)), layers.Dense(3), layers.Dense(units)])
        for units in (1, 5)
    )
    small.save(tmp_path / "m.keras")
    kept = large.layers[1].get_weights()
    with pytest.raises(ValueError, match="has shape"):
        large.load_weights(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"keep their weights.*Dense 'dense_3'"):
        large.load_weights(tmp_path / "m.keras", skip_mismatch=True)
    np.testing.assert_array_equal(large.get_weights()[0], small.get_weights()[0])
    np.testing.assert_array_equal(large.layers[1].get_weights()[0], kept[0])


class Words(layers.Layer):
    """A table that is no array: in a file of its own; and a count among the arrays."""

    def __init__(self, words=(), **kwargs):
        super().__init__(**kwargs)
        self.table, self.seen = list(words), np.zeros(3)

    def call(self, inputs):
        return inputs * len(self.table)

    def save_assets(self, folder):
        with open(os.path.join(folder, "words.txt"), "w") as file:
            file.write("\n".join(self.table))

    def load_assets(self, folder):
        with open(os.path.join(folder, "words.txt")) as file:
            self.table = file.read().split("\n")

    def save_own_variables(self, store):
        store["seen"] = self.seen

    def load_own_variables(self, store):
        self.seen = store["seen"]

    def get_config(self):
        return {"name": self.name}


@pytest.mark.parametrize("zipped", [True, False])
def test_what_a_layer_adds(tmp_path, zipped):
    path = tmp_path / ("m.keras" if zipped else "m")
    words = Words(["a", "b"])
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(2), words])
    words.seen = np.arange(3.0)
    model.save(path, zipped=zipped)
    if zipped:
        assert "assets/layers/words/words.txt" in zipfile.ZipFile(path).namelist()
    with pytest.raises(ValueError, match=r"class 'Words'.*custom_objects=\{'Words': Words\}"):
        saving.load_model(path)
    again = saving.load_model(path, custom_objects={"Words": Words})
    assert again.layers[1].table == ["a", "b"]
    assert again.layers[1].seen.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("members", "mentions"),
    [
        ({"assets/a": b"", "assets/a/b": b""}, "'assets/a/b' occurs twice, once as a folder"),
        ({"assets/a/b": b"", "assets/a": b""}, "'assets/a' occurs twice, once as a folder"),
        ({"assets/layers/words/big": bytes(80 << 20)}, "would be .* bytes, much more"),
        ({f"assets/{i}": bytes(30 << 20) for i in range(3)}, "would be .* bytes, much more"),
    ],
)
def test_hostile_assets(members, mentions, tmp_path):
    path = tmp_path / "m.keras"
    unidl.Sequential([unidl.Input((2,)), Words(["a"])]).save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=mentions):
        saving.load_model(path, custom_objects={"Words": Words})


@saving.register_keras_serializable("model_files")
class Own(unidl.Model):
    """Two arguments of `call`, one of them a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.look = layers.Embedding(5, 3)
        self.dense = layers.Dense(2)

    def call(self, inputs, bias):
        return self.dense(self.look(inputs["a"])) + bias

    def get_config(self):
        return {"name": self.name}


def test_subclassed_models(backend, tmp_path):
    given = {"a": np.zeros((2, 4), "int32")}, np.ones((2, 4, 1), "float32")
    model = Own()
    wanted = model(*given)
    model.save(tmp_path / "m.keras")
    again = saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(np.asarray(again(*given)), np.asarray(wanted))


def test_layers_without_shapes_are_told(tmp_path):
    @saving.register_keras_serializable("model_files")
    class Bare(Own):
        def get_build_config(self):
            return None

    model = Bare()
    model({"a": np.zeros((2, 4), "int32")}, np.ones((2, 4, 1)))
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"Define build_from_config\(self, config\)"):
        saving.load_model(tmp_path / "m.keras")


def test_memory_is_bounded_by_the_file(tmp_path):
    """A tenth of a megabyte that would be 128 is refused before any of it is unpacked."""
    import tracemalloc

    path = tmp_path / "m.keras"
    start("numpy").save(path)
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()[:2]}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
        with archive.open("model.weights.h5", "w") as file:
            for _ in range(1 << 7):
                file.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(ValueError, match="would be 134,217,728 bytes, much more"):
        saving.load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()

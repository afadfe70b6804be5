"""Models in the older ".h5" format: of Keras 2, in files that it wrote, and what is refused."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

import unidl
from tests.reference import close
from unidl.saving import load_model

h5py = pytest.importorskip("h5py")

FILES = Path(__file__).with_name("keras2.zip")


@pytest.fixture
def file(tmp_path):
    """A function from a model's name to (path of its file, what Keras 2 says of it)."""

    def unpacked(name):
        with zipfile.ZipFile(FILES) as archive:
            archive.extractall(tmp_path, [f"{name}.h5", f"{name}.npz"])
        facts = np.load(tmp_path / f"{name}.npz")
        listed = {
            kind: [facts[k] for k in facts.files if k.rstrip("0123456789") == kind]
            for kind in ("x", "y", "out")
        }
        return tmp_path / f"{name}.h5", listed | {"losses": facts["losses"]}

    unidl.utils.clear_session(free_memory=False)
    return unpacked


def _list(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", ["images", "shared", "words", "windows", "states"])
def test_models_of_keras_2_train_on(backend, name, file):
    path, facts = file(name)
    model = load_model(path)
    for ours, theirs in zip(_list(model.predict(facts["x"], verbose=0)), facts["out"], strict=True):
        close(ours, theirs, 1e-5)  # float32
    assert int(model.optimizer.iterations) == 1
    x, y = (a[0] if len(a) == 1 else a for a in (facts["x"], facts["y"]))
    losses = [_list(model.train_on_batch(x, y))[0] for _ in range(3)]
    close(losses, facts["losses"], 1e-4)
    if name == "images":
        assert model.metrics_names == ["loss", "mean_absolute_error", "root_mean_squared_error"]
    assert load_model(path, compile=False).optimizer is None


def _config(change):
    def spoil(f):
        config = json.loads(f.attrs["model_config"])
        change(config["config"]["layers"])
        f.attrs["model_config"] = json.dumps(config)

    return spoil


def _lambda(layers):
    layers[5] = {"class_name": "Lambda", "config": {"name": "x", "function": ["4wEAAAA=", None]}}


def _two_lists():
    found = np.empty(2, object)
    found[:] = [np.arange(2), np.arange(3)]
    return found


def _kernel(f, make):
    place = "model_weights/dense/dense/kernel:0"
    del f[place]
    found = make(f, place)
    if found is not None:
        f[place] = found


SPOILT = {
    "no model config": (lambda f: f.attrs.pop("model_config"), "no model config"),
    "a config that is no JSON": (lambda f: f.attrs.__setitem__("model_config", "{"), "not JSON"),
    "a config of numbers": (lambda f: f.attrs.__setitem__("model_config", [1, 2]), "strings"),
    "a config of lists of varying length": (
        lambda f: f.attrs.create("model_config", _two_lists(), dtype=h5py.vlen_dtype("i4")),
        "strings",
    ),
    "a config that is a reference": (
        lambda f: f.attrs.__setitem__("model_config", f["model_weights"].ref), "strings"
    ),
    "byte code": (_config(_lambda), "lambda as byte code"),
    "an unknown layer": (_config(lambda c: c[5].update(class_name="Mine")), "class 'Mine'"),
    "a layer of Keras": (_config(lambda c: c[5].update(class_name="Hashing")), "does not have"),
    "a damaged layer": (_config(lambda c: c.__setitem__(5, {"class_name": "Dense"})), "loaded"),
    "groups": (
        _config(lambda c: c[1].update(class_name="DepthwiseConv2D", config={"groups": 2})),
        "groups=2, which Keras 3 does not have",
    ),
    "time_major": (_config(lambda c: c[5]["config"].update(time_major=True)), "time_major=True"),
    "a decay": (
        lambda f: f.attrs.__setitem__("training_config", json.dumps({
            "loss": "mse", "optimizer_config": {"class_name": "SGD", "config": {"decay": 0.5}}})),
        "InverseTimeDecay",
    ),
    "a link": (
        lambda f: _kernel(f, lambda f, p: h5py.ExternalLink("/etc/passwd", "/")), "another place"
    ),
    "a soft link": (lambda f: _kernel(f, lambda f, p: h5py.SoftLink("/x")), "another place"),
    "numbers elsewhere": (
        lambda f: _kernel(f, lambda f, p: f.create_dataset(
            p, (3, 2), "f4", external=[("/etc/passwd", 0, 24)]) and None),
        "another file",
    ),
    "a petabyte": (
        lambda f: _kernel(f, lambda f, p: f.create_dataset(
            p, (1 << 40, 1 << 10), "f4", chunks=(1, 1)) and None),
        "has shape",
    ),
    "no kernel": (lambda f: _kernel(f, lambda f, p: None), "no array 'dense/kernel:0'"),
    "names that are too many": (
        lambda f: f["model_weights/dense"].attrs.__setitem__("weight_names", ["a"] * 3),
        "3 arrays for the layer 'dense'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_refused(what, file):
    spoil, mentions = SPOILT[what]
    path, _ = file("images")
    with h5py.File(path, "r+") as f:
        spoil(f)
    with pytest.raises(ValueError, match=rf"{path.name}.*{mentions}"):
        load_model(path)


def test_functions_of_tensorflow_are_told(file):
    path, _ = file("shared")
    with h5py.File(path, "r+") as f:
        config = json.loads(f.attrs["model_config"])
        entry = {"class_name": "TFOpLambda", "name": "tf.math.multiply",
                 "config": {"name": "tf.math.multiply", "function": "math.multiply"},
                 "inbound_nodes": [["x", 0, 0, {"y": 2}]]}  # fmt: skip
        config["config"]["layers"].append(entry)
        f.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ValueError, match=r"'math\.multiply', called on a symbolic tensor"):
        load_model(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_cut_files(share, file):
    path, _ = file("words")
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(ValueError, match=r"words\.h5 is not an HDF5 file, or it is damaged"):
        load_model(path)


def test_the_state_of_another_optimizer_is_told(file):
    path, _ = file("images")
    with h5py.File(path, "r+") as f:
        names = f["optimizer_weights"].attrs["weight_names"]
        f["optimizer_weights"].attrs["weight_names"] = ["Adam/iter:0", *names[1:]]
    with pytest.warns(UserWarning, match="it belongs to another optimizer and is ignored"):
        model = load_model(path)
    assert not model.optimizer.built

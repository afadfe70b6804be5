"""Weight files: Keras reads ours, we read Keras', and a file that does not fit changes nothing."""

import os
import sys

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from tests.zoo import MODELS, inputs_for, randomize, targets_for

h5py = pytest.importorskip("h5py")


@pytest.fixture
def float64():
    keras = pytest.importorskip("keras")
    with in_float64():
        keras.utils.clear_session(free_memory=False)
        keras.config.set_dtype_policy("float64")
        unidl.utils.clear_session(free_memory=False)
        yield keras


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("old_style", "branches")])
def test_keras_reads_ours_and_we_read_keras(backend, name, float64, tmp_path):
    path = os.path.join(tmp_path, "x.weights.h5")
    theirs, ours = randomize(MODELS[name](float64)), MODELS[name](unidl)
    theirs.save_weights(path)
    ours.load_weights(path)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    ours.set_weights([w + 1 for w in ours.get_weights()])
    ours.save_weights(path)
    theirs.load_weights(path)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("name", ["mlp", "cnn", "words"])
def test_training_goes_on_from_the_file_of_the_other(name, optimizer, float64, tmp_path):
    """The optimizer's state is in the file: three steps here, three there."""
    path = os.path.join(tmp_path, "x.weights.h5")
    theirs, ours = randomize(MODELS[name](float64)), MODELS[name](unidl)
    for model in (theirs, ours):
        model.compile(optimizer, "mse")
    x, y = inputs_for(ours), targets_for(ours)
    for _ in range(3):
        theirs.train_on_batch(x, y)
    theirs.save_weights(path)
    ours.train_on_batch(x, y)  # so that there is an optimizer to load into
    ours.load_weights(path)
    assert int(ours.optimizer.iterations) == 3
    for a, b in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        close(np.asarray(a), np.asarray(b), 1e-6)  # Keras keeps the learning rate in float32
    ours.train_on_batch(x, y)
    ours.save_weights(path)
    theirs.load_weights(path)
    assert int(theirs.optimizer.iterations) == 4
    for a, b in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        close(np.asarray(a), np.asarray(b), 1e-6)


def test_the_state_is_loaded_before_the_first_step(backend, tmp_path):
    """A fresh process: compile, load, go on, as if nothing had happened."""
    path = os.path.join(tmp_path, "x.weights.h5")
    x, y = np.ones((4, 4), "float32"), np.zeros((4, 3), "float32")
    first = MODELS["mlp"](unidl)
    first.compile("adam", "mse")
    first.train_on_batch(x, y)
    first.save_weights(path)
    expected = [first.train_on_batch(x, y) for _ in range(2)]
    second = MODELS["mlp"](unidl)
    second.compile("adam", "mse")
    second.load_weights(path)
    assert [second.train_on_batch(x, y) for _ in range(2)] == pytest.approx(expected, rel=1e-6)
    assert int(second.optimizer.iterations) == 3


def trained(path):
    model = MODELS["mlp"](unidl)
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 4)), np.zeros((4, 3)))
    model.save_weights(path)
    return model


def _truncate(path, model):
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)


def _text(path, model):
    with open(path, "w") as file:
        file.write("no weights")


def _empty(path, model):
    h5py.File(path, "w").close()


def _shape(path, model):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.zeros((4, 6))


def _last_missing(path, model):
    with h5py.File(path, "r+") as file:
        del file["layers/dense_1/vars/1"]


def _text_array(path, model):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = [b"a"] * 5


def _group_for_array(path, model):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/1"]
        file.create_group("layers/dense/vars/1")


def _external_link(path, model):
    """A link to another file would read what the user did not give."""
    other = path + ".other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.zeros(5)
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = h5py.ExternalLink(other, "/x")


def _external_storage(path, model):
    raw = path + ".raw"
    np.zeros(5, "float32").tofile(raw)
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/1"]
        file.create_dataset(
            "layers/dense/vars/1",
            shape=(5,),
            dtype="float32",
            external=[(raw, 0, h5py.h5f.UNLIMITED)],
        )


def _bad_optimizer(path, model):
    with h5py.File(path, "r+") as file:
        del file["optimizer/vars/3"]
        file["optimizer/vars/3"] = np.zeros((9, 9))


def _more_layers(path, model):
    with h5py.File(path, "r+") as file:
        file["layers/dense_2/vars/0"] = np.zeros((2, 2))


DAMAGE = {f.__name__.strip("_"): f for f in (
    _truncate, _text, _empty, _shape, _last_missing, _text_array, _group_for_array, _external_link,
    _external_storage, _bad_optimizer, _more_layers,
)}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_does_not_fit_changes_nothing(damage, tmp_path):
    path = os.path.join(tmp_path, "x.weights.h5")
    model = trained(path)
    model.train_on_batch(np.ones((4, 4)), np.zeros((4, 3)))
    weights, slots = model.get_weights(), [np.array(v) for v in model.optimizer.variables]
    DAMAGE[damage](path, model)
    with pytest.raises(ValueError, match=r"x\.weights\.h5"):
        model.load_weights(path)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, slots, strict=True):
        np.testing.assert_array_equal(np.asarray(a), b)


def test_another_architecture(tmp_path):
    path = os.path.join(tmp_path, "x.weights.h5")
    trained(path)
    with pytest.raises(ValueError, match="another architecture"):
        MODELS["cnn"](unidl).load_weights(path)


def test_paths(tmp_path):
    model = MODELS["mlp"](unidl)
    path = tmp_path / "x.weights.h5"
    with pytest.raises(ValueError, match=r"'\.weights\.h5'"):
        model.save_weights(tmp_path / "x.h5")
    with pytest.raises(FileNotFoundError, match="no file"):
        model.load_weights(path)
    model.save_weights(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save_weights(path, overwrite=False)
    assert os.listdir(tmp_path) == ["x.weights.h5"]
    with pytest.raises(ValueError, match="no weights to save"):
        unidl.Sequential([unidl.layers.Dense(1)]).save_weights(path)
    with pytest.raises(ValueError, match="built"):
        unidl.Sequential([unidl.layers.Dense(1)]).load_weights(path)


def test_a_crash_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.weights.h5"
    model = MODELS["mlp"](unidl)
    model.save_weights(path)
    before = path.read_bytes()
    calls = iter(range(2))
    monkeypatch.setattr(
        unidl.Variable, "numpy", lambda self: np.zeros(self.shape) if next(calls) < 1 else 1 / 0
    )
    with pytest.raises((StopIteration, ZeroDivisionError)):
        model.save_weights(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.weights.h5"]


def test_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match="pip install"):
        MODELS["mlp"](unidl).save_weights(tmp_path / "x.weights.h5")


def test_a_fault_of_the_model_is_no_damage_of_the_file(tmp_path, monkeypatch):
    path, model = tmp_path / "x.weights.h5", MODELS["mlp"](unidl)
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(path)
    again = MODELS["mlp"](unidl)
    again.compile("sgd", "mse")
    monkeypatch.setattr(type(again.optimizer), "get_config", lambda self: self.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        again.load_weights(path)


def test_a_model_without_a_call_is_loaded_when_its_parts_are_built(backend, tmp_path):
    class Pair(unidl.Model):
        def __init__(self):
            super().__init__()
            self.one = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2)])
            self.two = unidl.Sequential([unidl.Input((2,)), unidl.layers.Dense(1)])

    model, other = Pair(), Pair()
    model.save_weights(tmp_path / "pair.weights.h5")
    other.load_weights(tmp_path / "pair.weights.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other.two.pop()
    other.two.add(unidl.layers.Dense(4))
    other.three = unidl.layers.Dense(1)
    with pytest.raises(ValueError, match="needs a built model"):
        other.load_weights(tmp_path / "pair.weights.h5")

"""OrbaxCheckpoint, and what reads its folders. `make test-jax` runs it, whose environment has
orbax-checkpoint; elsewhere there is the error that says how to get it."""

import importlib.util
import json
import os

import numpy as np
import pytest

import unidl
from tests.reference import in_float64
from unidl import layers
from unidl.callbacks import OrbaxCheckpoint
from unidl.saving.orbax_config import built_from_above

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X[:, :2]

there = importlib.util.find_spec("orbax") is not None
needs_orbax = pytest.mark.skipif(not there, reason="needs orbax-checkpoint")


def network(width=4):
    model = unidl.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(width, "relu", name="a"),
            layers.BatchNormalization(name="b"),
            layers.Dropout(0.3, name="c"),
            layers.Dense(2, name="d"),
        ],
        name="m",
    )
    model.compile(unidl.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def fit(model, callbacks=(), epochs=1, **kwargs):
    history = model.fit(
        X, Y, batch_size=8, epochs=epochs, verbose=0, shuffle=False, callbacks=list(callbacks),
        **kwargs,
    )  # fmt: skip
    return history.history["loss"]


def test_without_orbax_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "orbax.checkpoint", None)
    with pytest.raises(ImportError, match=r"unidl-framework\[orbax\].*ModelCheckpoint"):
        OrbaxCheckpoint(tmp_path)
    for part in ("0/pytree", "0/model_config"):
        os.makedirs(tmp_path / part)
    (tmp_path / "0" / "_CHECKPOINT_METADATA").write_text("{}")
    with pytest.raises(ImportError, match=r"load_model needs the package orbax-checkpoint"):
        unidl.models.load_model(tmp_path)


@needs_orbax
def test_training_goes_on_from_what_was_saved(backend, tmp_path):
    model = network()
    fit(model, [OrbaxCheckpoint(tmp_path, max_to_keep=2)], epochs=3)
    assert sorted(os.listdir(tmp_path)) == ["1", "2"]
    loaded = unidl.models.load_model(tmp_path)
    assert int(loaded.optimizer.iterations) == 12
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert fit(loaded) == fit(model)  # dropout included


@needs_orbax
def test_a_new_training_in_the_same_folder_is_the_newest(tmp_path):
    fit(network(), [OrbaxCheckpoint(tmp_path, save_on_background=False)], epochs=2)
    model = network()
    fit(model, [OrbaxCheckpoint(tmp_path)])
    assert os.listdir(tmp_path) == ["2"]
    loaded = unidl.models.load_model(tmp_path)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


@needs_orbax
def test_weights_alone_by_batches(tmp_path):
    model = network()
    keeping = OrbaxCheckpoint(tmp_path, save_freq=3, max_to_keep=None, save_weights_only=True)
    fit(model, [keeping], epochs=2)
    assert sorted(map(int, os.listdir(tmp_path))) == [3, 6]
    with pytest.raises(ValueError, match=r"6 holds weights alone.*model\.load_weights"):
        unidl.models.load_model(tmp_path)
    other = network()
    other.load_weights(tmp_path / "3")
    assert not np.array_equal(other.get_weights()[0], model.get_weights()[0])
    before = [w.copy() for w in network(5).get_weights()]
    with pytest.raises(ValueError, match=r"does not fit Sequential 'm': .*'m/a/kernel' has"):
        network(5).load_weights(tmp_path)
    partly = network(5)
    with pytest.warns(UserWarning, match="m/a/kernel"):
        partly.load_weights(tmp_path, skip_mismatch=True)
    assert before[0].shape == partly.get_weights()[0].shape
    np.testing.assert_array_equal(partly.get_weights()[-1], _saved(tmp_path)["d"]["bias"])


def _saved(path):
    from unidl.saving import orbax_files

    tree = orbax_files.orbax("test").load_checkpointables(str(path / "6"), {"pytree": None})
    return tree["pytree"]["trainable_variables"]["m"]


@needs_orbax
def test_the_best_alone(tmp_path):
    keeping = OrbaxCheckpoint(
        tmp_path, "loss", save_best_only=True, initial_value_threshold=1e-9, max_to_keep=None
    )
    fit(network(), [keeping], epochs=2)
    assert not os.path.exists(tmp_path) or os.listdir(tmp_path) == []


@needs_orbax
def test_what_orbax_cannot_hold_is_told(tmp_path):
    model = unidl.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.layers[0].add_weight((0, 3), name="none")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"none' has the shape \(0, 3\).*ModelCheckpoint"):
        fit(model, [OrbaxCheckpoint(tmp_path)])


@needs_orbax
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"save_freq": 0}, r"save_freq must be \"epoch\" or a positive number of batches, got 0"),
        ({"max_to_keep": 0}, "max_to_keep must be"),
        ({"mode": "best"}, "mode must be"),
    ],
)
def test_wrong_arguments_are_told(tmp_path, arguments, text):
    with pytest.raises(ValueError, match=text):
        OrbaxCheckpoint(tmp_path, **arguments)


def _rows(kit):
    """{name: a Sequential model whose layers are built at another time or place}."""
    made = kit.layers

    def row():
        return [made.Dense(4, "relu", name="a"), made.BatchNormalization(name="b")]

    def last():
        return made.Dense(2, name="d")

    given = kit.Input((3,))
    return {
        "one": kit.Sequential([kit.Input((3,)), *row(), last()], name="m"),
        "no shape": kit.Sequential([*row(), last()], name="m"),
        "inside": kit.Sequential(
            [kit.Input((3,)), kit.Sequential([kit.Input((3,)), *row()], name="inner"), last()],
            name="m",
        ),
        "inside, no shape": kit.Sequential(
            [kit.Input((3,)), kit.Sequential(row(), name="inner"), last()], name="m"
        ),
        "in a graph": kit.Model(given, last()(kit.Sequential(row(), name="inner")(given))),
        "wrapped": kit.Sequential(
            [
                kit.Input((3,)),
                made.Reshape((3, 1)),
                made.TimeDistributed(made.Dense(4, name="a"), name="t"),
                made.Bidirectional(made.LSTM(2, name="l"), name="bi"),
                last(),
            ],
            name="m",
        ),
    }


NAMES = list(_rows(unidl))


@pytest.mark.parametrize("name", NAMES)
def test_layers_of_a_read_config_are_built_where_they_were(name):
    """By the model, so that each weight has the path of its value, in Keras too."""
    model = _rows(unidl)[name]
    model.build((None, 3))
    config = built_from_above(unidl.saving.serialize_keras_object(model), model)
    with unidl.use_backend("numpy"):
        ours = unidl.saving.deserialize_keras_object(json.loads(json.dumps(config)))
        if not ours.built:
            ours.build_from_config(config["build_config"])
    paths = [v.path for v in model.weights]
    assert [v.path for v in ours.weights] == paths
    with in_float64() as keras:
        theirs = keras.saving.deserialize_keras_object(config)
        assert [v.path for v in _rows(keras)[name].weights] in (paths, [])  # as Keras saves
    assert [v.path for v in theirs.weights] == paths


@needs_orbax
@pytest.mark.parametrize("name", NAMES)
def test_sequential_models_go_on_from_what_was_saved(name, tmp_path):
    model = _rows(unidl)[name]
    model.compile("adam", "mse")
    fit(model, [OrbaxCheckpoint(tmp_path)])
    loaded = unidl.models.load_model(tmp_path)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert fit(loaded) == fit(model)

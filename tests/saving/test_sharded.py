"""Weights in shards: Keras reads ours, we read Keras', and new shards take the place of old ones
in one step."""

import json
import os
from unittest import mock

import numpy as np
import pytest

import unidl
from tests.zoo import MODELS, randomize
from unidl import layers

pytest.importorskip("h5py")
SMALL = 1.5e-6  # GB: 1,610 bytes, as the second kernel and bias have nearly


def model():
    return unidl.Sequential([unidl.Input((4,)), layers.Dense(30), layers.Dense(10)])


def shards(folder):
    return sorted(p.name for p in folder.iterdir() if p.name.endswith(".weights.h5"))


@pytest.mark.parametrize("name", ["mlp", "cnn", "words"])
def test_keras_reads_ours_and_we_read_keras(name, tmp_path):
    keras = pytest.importorskip("keras")
    keras.utils.clear_session(free_memory=False)
    path = os.path.join(tmp_path, "x.weights.json")
    theirs, ours = randomize(MODELS[name](keras)), MODELS[name](unidl)
    largest = max(w.nbytes for w in theirs.get_weights()) / (1 << 30)
    theirs.save_weights(path, max_shard_size=1.5 * largest)
    assert len(shards(tmp_path)) > 1
    ours.load_weights(path)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for _ in range(2):  # the second time other shards take the place of the first
        ours.set_weights([w + 1 for w in ours.get_weights()])
        ours.save_weights(path, max_shard_size=1.5 * largest)
        theirs.load_weights(path)
        for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_there_and_back_with_the_optimizer(backend, tmp_path):
    x, y = np.ones((8, 4), "float32"), np.ones((8, 10), "float32")
    first, second = model(), model()
    for each in (first, second):
        each.compile("adam", "mse")
    first.train_on_batch(x, y)
    first.save_weights(tmp_path / "m.weights.json", max_shard_size=SMALL)
    second.load_weights(tmp_path / "m.weights.json")
    assert second.train_on_batch(x, y) == pytest.approx(first.train_on_batch(x, y), rel=1e-6)


def test_the_size_is_obeyed_and_the_files_are_named_as_in_keras(tmp_path):
    made = model()
    made.save_weights(tmp_path / "m.weights.json", max_shard_size=SMALL)
    assert shards(tmp_path) == ["m_00000.weights.h5", "m_00001.weights.h5"]
    found = json.loads((tmp_path / "m.weights.json").read_text())
    assert found["metadata"]["total_size"] == sum(w.nbytes for w in made.get_weights())
    assert set(found["weight_map"]) == {"/layers/dense/vars", "/layers/dense_1/vars"}


def test_old_shards_go_and_no_other_file(tmp_path):
    path, made = tmp_path / "m.weights.json", model()
    stranger = tmp_path / "m_00001.weights.h5"
    stranger.write_bytes(b"mine")
    for _ in range(3):
        made.save_weights(path, max_shard_size=SMALL)
        assert stranger.read_bytes() == b"mine"
    made.load_weights(path)
    assert len(shards(tmp_path)) <= 4


@pytest.mark.parametrize("at", range(1, 4))
def test_an_error_in_the_middle_leaves_the_old_weights(at, tmp_path):
    path, made = tmp_path / "m.weights.json", model()
    made.save_weights(path, max_shard_size=SMALL)
    wanted, before = made.get_weights(), sorted(os.listdir(tmp_path))
    made.set_weights([w + 1 for w in wanted])
    count, real = 0, os.replace

    def replace(*args, **kwargs):
        nonlocal count
        count += 1
        if count == at:
            raise OSError(28, "No space left on device")
        return real(*args, **kwargs)

    with mock.patch("os.replace", replace), pytest.raises(OSError, match="No space"):
        made.save_weights(path, max_shard_size=SMALL)
    assert sorted(os.listdir(tmp_path)) == before
    made.load_weights(path)
    for one, other in zip(made.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_ending_of_one_file_is_changed_with_a_warning_as_in_keras(tmp_path):
    with pytest.warns(UserWarning, match=r"m\.weights\.json is written instead"):
        model().save_weights(tmp_path / "m.weights.h5", max_shard_size=1)
    model().load_weights(tmp_path / "m.weights.json")

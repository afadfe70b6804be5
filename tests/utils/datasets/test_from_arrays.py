"""Windows of series and parts of arrays, against Keras'."""

import pickle

import keras
import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.utils import split_dataset, timeseries_dataset_from_array

SERIES = np.random.default_rng(0).normal(size=(30, 2))
TARGETS = np.arange(30) * 10


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sequence_stride": 3, "sampling_rate": 2},
        {"start_index": 4, "end_index": 25, "sequence_stride": 2},
        {"batch_size": None},
    ],
    ids=repr,
)
@pytest.mark.parametrize("targets", [None, TARGETS, TARGETS[:20]], ids=["alone", "all", "fewer"])
def test_windows(arguments, targets):
    arguments = {"sequence_length": 5, "batch_size": 4} | arguments
    mine = timeseries_dataset_from_array(SERIES, targets, **arguments)
    if targets is not None and len(targets) == 20 and "start_index" in arguments:
        # Where Keras looks for targets that there are not.
        last = max(y.max() for _, y in mine)
        assert last == TARGETS[18]
        return
    theirs = list(keras.utils.timeseries_dataset_from_array(SERIES, targets, **arguments))
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        pairs = zip(one, other, strict=True) if targets is not None else [(one, other)]
        for a, b in pairs:
            np.testing.assert_array_equal(a, np.asarray(b))


def test_windows_of_a_file_are_cut_as_they_are_asked_for(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, SERIES)
    data = np.load(path, mmap_mode="r")
    window = timeseries_dataset_from_array(data, None, 4, batch_size=None)[3]
    assert np.shares_memory(window, data)
    np.testing.assert_array_equal(window, SERIES[3:7])


def test_worker_processes_can_be_given_windows():
    dataset = timeseries_dataset_from_array(SERIES, None, 4, sampling_rate=2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dataset))[0], dataset[0])


def test_shuffled_windows_keep_their_targets(backend):
    series = np.arange(40, dtype="float32")[:, None]
    dataset = timeseries_dataset_from_array(
        series, series[3:], 3, shuffle=True, seed=1, batch_size=8
    )
    first = np.concatenate([y for _, y in dataset])
    for x, y in dataset:
        np.testing.assert_array_equal(x[:, -1] + 1, y)
    assert sorted(first.ravel()) == list(range(3, 40))
    assert not np.array_equal(first, np.sort(first, axis=0))
    model = unidl.Sequential([unidl.Input((3, 1)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(dataset, epochs=2, verbose=0).history["loss"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"sequence_length": 0}, "sequence_length must be a positive integer, got 0"),
        ({"sequence_stride": 0.5}, "sequence_stride must be a positive integer"),
        ({"sequence_length": 31}, "no window of 31 time steps"),
        ({"start_index": 20, "end_index": 10}, "start_index and end_index"),
        ({"end_index": 99}, "within the 30 time steps"),
        ({"format": "grain"}, "format must be 'py'"),
        ({"batch_size": -1}, "batch_size"),
    ],
)
def test_wrong_windows(arguments, told):
    with pytest.raises(ValueError, match=told):
        timeseries_dataset_from_array(SERIES, None, **{"sequence_length": 3} | arguments)


@pytest.mark.parametrize(
    "sizes", [(0.7, None), (None, 0.25), (6, 3), (0.5, 0.2), (6, 0.1), (None, 4)], ids=str
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_splits(sizes, shuffle):
    mine = split_dataset((SERIES[:10], TARGETS[:10]), *sizes, shuffle=shuffle, seed=3)
    theirs = keras.utils.split_dataset((SERIES[:10], TARGETS[:10]), *sizes, shuffle, 3)
    for part, other in zip(mine, theirs, strict=True):
        x, y = zip(*other, strict=True)
        np.testing.assert_array_equal(part[0], np.asarray(x))
        np.testing.assert_array_equal(part[1], np.asarray(y))


def test_structures_are_kept_and_nothing_is_copied():
    left, right = split_dataset({"x": SERIES, "y": [TARGETS]}, left_size=0.5)
    assert left.keys() == {"x", "y"}
    assert np.shares_memory(left["x"], SERIES)
    np.testing.assert_array_equal(right["y"][0], TARGETS[15:])
    assert len(split_dataset(SERIES, right_size=1)[1]) == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: split_dataset(SERIES), "give left_size or right_size"),
        (lambda: split_dataset(SERIES, 1.5), "left_size must be a fraction between 0 and 1"),
        (lambda: split_dataset(SERIES, 0.9, 0.2), "there are 30 in all"),
        (lambda: split_dataset(SERIES, 0.001), "at least one"),
        (lambda: split_dataset((SERIES, TARGETS[:3]), 0.5), "the same length"),
        (lambda: split_dataset(SERIES, 0.5, preferred_backend="torch"), "leave it out"),
        (lambda: split_dataset([1, 2], 0.5), "expected an array"),
        (lambda: split_dataset(SERIES, "half"), "a number of samples or a fraction"),
    ],
)
def test_wrong_splits(call, told):
    with pytest.raises((TypeError, ValueError), match=told):
        call()

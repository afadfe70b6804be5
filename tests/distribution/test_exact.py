"""Exact mode: the same bits in any number of processes."""

import sys

import numpy as np
import pytest

import unidl
from tests.distribution import runs
from tests.distribution.test_faults import RESUMED
from tests.distribution.test_runs import NAMES, NEEDS, in_processes, launched, started
from unidl import layers
from unidl.backend.errors import JoinError
from unidl.distribution.lockstep import Lockstep, tree_sum

QUICK = ["batch_norm", "dropout", "own_step"]


@pytest.fixture
def in_float64():
    unidl.config.set_floatx("float64")
    yield
    unidl.config.set_floatx("float32")
    unidl.distribution.set_distribution(None)


def _in_shards(case, shards, epochs=2):
    found = unidl.distribution.DataParallel(virtual_shards=shards)
    with found.scope():
        return runs.run(case, epochs)


@pytest.mark.in_turn("case")
@pytest.mark.parametrize("case", runs.CASES, ids=NAMES)
def test_shards_are_the_whole_batch(backend, case, in_float64):
    whole, found = runs.run(case, 2), _in_shards(case, 4)
    for key, wanted in whole.items():
        error = np.abs(found[key] - wanted).max()
        assert error <= 1e-12 * np.abs(wanted).max(), f"{key}: {error}"


def _same_bits(backend, folder, names, counts, epochs):
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    expected = None
    for processes in counts:
        own = folder / str(processes)
        own.mkdir()
        found = in_processes(processes, backend.name, own, names, epochs, UNIDL_SHARDS="8")
        expected = expected or {name: each[0] for name, each in found.items()}
        for name, each in found.items():
            for of_process in each:
                for key in of_process.files:
                    assert of_process[key].tobytes() == expected[name][key].tobytes(), (
                        f"{name} in {processes} processes: {key}"
                    )


@pytest.mark.quick_on("numpy")
def test_two_processes_have_the_bits_of_one(backend, tmp_path):
    _same_bits(backend, tmp_path, QUICK, [1, 2], epochs=2)


@pytest.mark.slow
def test_all_have_the_bits_of_one(backend, tmp_path):
    _same_bits(backend, tmp_path, NAMES, [1, 2, 4], epochs=20)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_bits_of_one_that_was_not(backend, tmp_path):
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    exact = {"UNIDL_SHARDS": "4"}
    alone = [sys.executable, RESUMED, str(whole), "whole"]
    assert started(alone, backend.name, UNIDL_ALONE="1", **exact).returncode == 0
    assert launched(2, backend.name, RESUMED, str(killed), "killed", **exact).returncode != 0
    done = launched(4, backend.name, RESUMED, str(killed), "whole", **exact)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    expected, found = (np.load(folder / "weights.npz") for folder in (whole, killed))
    for name in expected.files:
        assert found[name].tobytes() == expected[name].tobytes(), name


def test_a_batch_smaller_than_the_shards_counts_once(backend, in_float64):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(3, 4)), draw.normal(size=(3, 1))

    def trained():
        unidl.utils.set_random_seed(1)
        model = unidl.Sequential([layers.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        history = model.fit(x, y, epochs=2, verbose=0).history
        return history, model.get_weights(), model.predict(x, verbose=0)

    whole = trained()
    with unidl.distribution.DataParallel(virtual_shards=8).scope():
        found = trained()
    for name, wanted in whole[0].items():
        np.testing.assert_allclose(found[0][name], wanted, rtol=1e-13)
    for wanted, value in zip([*whole[1], whole[2]], [*found[1], found[2]], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-13)


def test_an_error_of_a_shard_is_told(backend):
    class Stops(layers.Layer):
        def call(self, x):
            raise OSError("no such thing")

    model = unidl.Sequential([Stops()])
    exact = unidl.distribution.DataParallel(virtual_shards=2)
    with exact.scope(), pytest.raises(OSError, match="no such thing"):
        model.predict(np.ones((4, 2), "float32"), verbose=0)


def test_shards_that_part_are_told():
    lockstep = Lockstep(2, tree_sum)

    def asks_once():
        return lockstep.sum(0, np.ones(1))

    with pytest.raises(JoinError, match="one has ended while another asks for a sum"):
        lockstep.run([asks_once, lambda: None])
    asks = [lambda place=place: lockstep.sum(place, np.array([place])) for place in range(2)]
    assert [int(x[0]) for x in lockstep.run(asks)] == [1, 1]  # it can run again


@pytest.mark.parametrize("shards", [0, -1, 2.5, "8"])
def test_shards_that_cannot_be(shards):
    with pytest.raises(ValueError, match=r"virtual_shards=.* cannot be dealt out to 1 processes"):
        unidl.distribution.DataParallel(virtual_shards=shards)


def test_sums_do_not_depend_on_who_adds_which_parts():
    draw = np.random.default_rng(0)
    parts = list(10.0 ** draw.integers(-9, 9, size=(8, 1)) * draw.normal(size=(8, 40)))
    whole = tree_sum(parts)
    for each in (2, 4):
        own = [tree_sum(parts[i : i + each]) for i in range(0, 8, each)]
        assert tree_sum(own).tobytes() == whole.tobytes()
    assert sum(parts).tobytes() != whole.tobytes()

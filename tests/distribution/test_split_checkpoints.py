"""Checkpoints of weights that are split: written by all processes, read by any number of them."""

import os
import shutil

import numpy as np
import pytest

import unidl
from tests.distribution import split
from tests.distribution.test_split_runs import _splits, assert_equal, split_run  # noqa: F401


@pytest.mark.quick_on("torch")
def test_a_folder_of_two_processes_is_read_by_any_backend(backend, tmp_path):
    split_run(backend, "saved", tmp_path, "1x2", 2)
    assert sorted(os.listdir(tmp_path / "model.shards"))[:2] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    unidl.config.set_floatx("float64")
    expected = np.load(tmp_path / "saved.1.npz")
    try:
        for name in ("numpy", backend.name):
            with unidl.use_backend(name):
                model = split.network()
                for file in ("model.shards", "best.shards", "model.weights.h5"):
                    model.load_weights(tmp_path / file)
                    for key, value in split.values_of(model).items():
                        assert (value == expected[key]).all(), (name, file, key)
    finally:
        unidl.config.set_floatx("float32")


@pytest.mark.slow
@pytest.mark.parametrize(("mesh", "processes"), [("2x2", 4), ("1x4", 4), ("2x1", 2)])
def test_another_number_of_processes_reads_all_formats(backend, mesh, processes, tmp_path):
    split_run(backend, "saved", tmp_path, mesh, processes)
    other = ("1x2", 2) if processes == 4 else ("1x4", 4)
    split_run(backend, "loaded", tmp_path, *other)
    split_run(backend, "loaded", tmp_path, "", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("mesh", "processes"), [("1x4", 4), ("2x2", 4), ("", 1)])
def test_a_killed_run_goes_on_with_another_number(backend, mesh, processes, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    split_run(backend, "whole", whole, "", 1)
    split_run(backend, "killed", killed, "1x2", 2, succeeds=False)
    assert (killed / "backup" / "latest.backup.shards").exists()
    split_run(backend, "whole", killed, mesh, processes)
    for i in range(processes):
        assert_equal(np.load(whole / "whole.0.npz"), np.load(killed / f"whole.{i}.npz"))
    assert not (killed / "backup").exists()


@pytest.mark.slow
def test_a_damaged_backup_gives_way_to_the_one_before(backend, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    split_run(backend, "whole", whole, "", 1)
    split_run(backend, "killed", killed, "1x2", 2, succeeds=False)
    shard = killed / "backup" / "latest.backup.shards" / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    said = split_run(backend, "whole", killed, "1x2", 2)
    assert "The previous backup is used" in said
    assert_equal(np.load(whole / "whole.0.npz"), np.load(killed / "whole.1.npz"))


def _is_as_before(folder):
    unidl.config.set_floatx("float64")
    try:
        with unidl.use_backend("numpy"):
            model = split.network()
            model.load_weights(folder / "model.shards")
            expected = np.load(folder / "before.npz")
            weights = {k: v for k, v in split.values_of(model).items() if k in expected.files}
            assert all((weights[k] == expected[k]).all() for k in weights)
    finally:
        unidl.config.set_floatx("float32")


@pytest.mark.slow
def test_a_killed_writer_leaves_the_old_folder(backend, tmp_path):
    split_run(backend, "killed_writer", tmp_path, "1x2", 2, succeeds=False)
    _is_as_before(tmp_path)
    for left in tmp_path.glob(".model.shards.*"):
        shutil.rmtree(left)  # what a killed process leaves beside


@pytest.mark.slow
def test_a_writer_that_fails_is_told_in_all_processes(backend, tmp_path):
    said = split_run(backend, "failed_writer", tmp_path, "1x2", 2)
    assert "told: No space left on device" in said
    assert "told: save_weights: process 1 has failed, OSError: No space left on device" in said
    _is_as_before(tmp_path)
    assert not list(tmp_path.glob(".model.shards.*"))

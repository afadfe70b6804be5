"""Weights split over processes: the run is that of one process, and each has its part only."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.distribution.runs import CASES
from tests.distribution.test_runs import SCRIPT as RUNS
from tests.distribution.test_runs import launched, started

SCRIPT = str(Path(__file__).with_name("split.py"))
NAMES = [case.__name__ for case in CASES]


@pytest.fixture(autouse=True)
def _splits(backend):
    if not backend.splits_weights or backend.spans_devices:
        pytest.skip("this backend has no weights split over processes")


def split_run(backend, what, folder, mesh, processes, succeeds=True):
    """What `split.py WHAT` printed in so many processes, or in one without a mesh."""
    if processes == 1:
        command = [sys.executable, SCRIPT, what, str(folder), mesh]
        done = started(command, backend.name, UNIDL_ALONE="1")
    else:
        done = launched(processes, backend.name, SCRIPT, what, str(folder), mesh)
    assert (done.returncode == 0) == succeeds, (done.stdout + done.stderr)[-4000:]
    return done.stdout + done.stderr


def assert_equal(expected, found):
    for key in expected.files:
        scale = np.abs(expected[key]).max()
        error = np.abs(found[key] - expected[key]).max()
        assert error <= 1e-12 * scale, f"{key}: {error / scale}"


def _compare(backend, mesh, processes, folder, names, epochs):
    one, several = folder / "one", folder / "several"
    one.mkdir(), several.mkdir()
    script = [RUNS, str(one), str(epochs), *names]
    done = started([sys.executable, *script], backend.name, UNIDL_ALONE="1")
    assert done.returncode == 0, done.stderr[-2000:]
    command = [sys.executable, "-m", "unidl", "launch", "-n", str(processes)]
    script = [RUNS, str(several), str(epochs), *names]
    done = started([*command, *script], backend.name, UNIDL_MESH=mesh)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    for name in names:
        expected = np.load(one / f"{name}.0.npz")
        found = [np.load(several / f"{name}.{i}.npz") for i in range(processes)]
        for of_process in found:
            assert_equal(expected, of_process)
        for key in expected.files:  # to the last bit the same in all processes
            assert all((o[key] == found[0][key]).all() for o in found), f"{name}: {key}"


@pytest.mark.quick_on("torch")
def test_two_processes_with_a_half_each_are_one(backend, tmp_path):
    _compare(backend, "1x2", 2, tmp_path, ["own_step", "mlp"], epochs=1)


@pytest.mark.slow
@pytest.mark.parametrize(("mesh", "processes"), [("1x2", 2), ("1x4", 4), ("2x2", 4)])
def test_any_mesh_is_one_process(backend, mesh, processes, tmp_path):
    _compare(backend, mesh, processes, tmp_path, NAMES, epochs=20)


@pytest.mark.slow
@pytest.mark.parametrize(("mesh", "processes"), [("1x2", 2), ("2x2", 4)])
def test_every_kind_of_optimizer(backend, mesh, processes, tmp_path):
    """By element, by whole weights, with averages, accumulation, clipping and scaled losses;
    compiled and eager."""
    one, several = tmp_path / "one", tmp_path / "several"
    one.mkdir(), several.mkdir()
    split_run(backend, "updates", one, mesh, 1)
    split_run(backend, "updates", several, mesh, processes)
    for i in range(processes):
        assert_equal(np.load(one / "updates.0.npz"), np.load(several / f"updates.{i}.npz"))


@pytest.mark.slow
@pytest.mark.parametrize(("mesh", "parts"), [("1x2", 2), ("1x4", 4), ("2x2", 2)])
def test_a_process_holds_its_part_only(backend, mesh, parts, tmp_path):
    """Of weights and slots, and of all tensors that are alive after training."""
    processes = int(np.prod([int(n) for n in mesh.split("x")]))
    split_run(backend, "held", tmp_path, mesh, processes)
    for i in range(processes):
        found = json.loads((tmp_path / f"held.{i}.json").read_text())
        assert found["held"] <= found["whole"] / parts + 1024
        assert found["alive"] <= found["whole"] / parts + 16384


@pytest.mark.slow
def test_what_does_not_fit_is_told(backend, tmp_path):
    split_run(backend, "refused", tmp_path, "1x2", 2)
    for i in range(2):
        told = np.load(tmp_path / f"refused.{i}.npz")["told"].tolist()
        for text, part in zip(
            told,
            [
                "hidden/kernel' has the shape (8, 7): axis 1 cannot be split into 2 equal parts",
                "hidden/kernel' is matched by several keys: ",
                "hidden/kernel' has the shape (8, 8), but its layout ('model',) names 1 axes",
                "names an axis of the mesh twice",
                "no weight is called like '(.*/)?nothing', a key of the LayoutMap",
                "TensorBoard: the weights of Sequential",
                "BackupAndRestore(on_interruption=True): the weights of Sequential",
                "jit_compile=True cannot put weights together",
                "the shape (1, 3) asks for 3 devices, got 2",
            ],
            strict=True,
        ):
            assert part in text

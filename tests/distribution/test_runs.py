"""Several processes against one: the same seed gives the same run, in float64 to 1e-12."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.distribution.runs import CASES

SCRIPT = str(Path(__file__).with_name("runs.py"))
NAMES = [case.__name__ for case in CASES]
NEEDS = {"numpy": "mpi4py"}


def started(command, backend, timeout=150, **environment):
    given = {"UNIDL_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1", "XLA_FLAGS": ""}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False,
        env=os.environ | given | environment,
    )  # fmt: skip


def launched(processes, backend, *script, **environment):
    command = [sys.executable, "-m", "unidl", "launch", "-n", str(processes), *script]
    return started(command, backend, **environment)


def in_processes(processes, backend, folder, names, epochs=2, **environment):
    """[{name: array} of each process] for each case."""
    script = [SCRIPT, str(folder), str(epochs), *names]
    if processes == 1:
        alone = [sys.executable, *script]
        done = started(alone, backend, UNIDL_ALONE="1", **environment)
    else:
        done = launched(processes, backend, *script, **environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return {name: [np.load(folder / f"{name}.{i}.npz") for i in range(processes)] for name in names}


def _compare(backend, processes, folder, names, epochs=2):
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    one, several = folder / "one", folder / "several"
    one.mkdir(), several.mkdir()
    expected = in_processes(1, backend.name, one, names, epochs)
    found = in_processes(processes, backend.name, several, names, epochs)
    for name in names:
        (wanted,) = expected[name]
        for of_process in found[name]:
            for key in wanted.files:
                scale = np.abs(wanted[key]).max()
                error = np.abs(of_process[key] - wanted[key]).max()
                assert error <= 1e-12 * scale, f"{name}: {key}: {error / scale}"
        for key in wanted.files:  # to the last bit the same in all processes
            assert all((o[key] == found[name][0][key]).all() for o in found[name]), f"{name}: {key}"


@pytest.mark.quick_on("numpy", "torch")
def test_two_processes_are_one(backend, tmp_path):
    _compare(backend, 2, tmp_path, ["batch_norm", "dropout", "masks", "own_step"])


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3, 4])
def test_any_number_of_processes_is_one(backend, processes, tmp_path):
    _compare(backend, processes, tmp_path, NAMES, epochs=20)


@pytest.mark.quick_on("numpy")
def test_the_example(backend):
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    script = str(Path(__file__).parents[2] / "examples" / "distributed.py")
    alone = started([sys.executable, script, "--alone"], backend.name).stdout.splitlines()[-1]
    several = launched(2, backend.name, script).stdout
    assert alone.rpartition(", sum")[0][:-1] in several  # but for the last digit, in float32

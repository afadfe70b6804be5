"""What goes wrong in one process ends the run, with words that tell what it was."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.distribution.test_runs import NEEDS, launched, started

SCRIPT = str(Path(__file__).with_name("faults.py"))
RESUMED = str(Path(__file__).with_name("resumed.py"))
SAID = {
    "seed": "weights: process 0 has",
    "rows": "rows of data: process 0 has 16, process 1 has 15",
    "model": "model: process 0 has",
    "throws": "a bug in process 1",
    "killed": "",
    "hangs": "in vain, for at most 8 s",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", SAID)
def test_it_ends_and_says_why(backend, what):
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    done = launched(2, backend.name, SCRIPT, what)
    assert done.returncode != 0
    assert SAID[what] in done.stdout + done.stderr
    assert "it trained" not in done.stdout


def test_disagreement_is_told():
    pytest.importorskip("mpi4py")
    done = launched(2, "numpy", SCRIPT, "rows")
    assert done.returncode != 0
    assert "the processes would not compute one run" in done.stdout + done.stderr
    assert SAID["rows"] in done.stdout + done.stderr


@pytest.mark.quick_on("torch")
def test_nobody_was_started_beside_it(backend):
    if backend.name == "numpy":
        pytest.skip("MPI starts a world of one process by itself")
    done = started([sys.executable, SCRIPT, "none"], backend.name)
    assert "unidl launch -n 2 script.py" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-n", "0", "train.py"], "expected a positive number, got 0"),
        (["-n", "2"], "no script"),
        (["-n", "2", "--max-restarts", "-1", "train.py"], "expected a positive number, got -1"),
        (["-n", "2", "--backend", "nothing", "train.py"], "There is no backend named 'nothing'"),
        (["-n", "2", "--hosts", "a,b", "--backend", "torch", "train.py"], "--dry-run prints"),
    ],
)
def test_what_cannot_be_launched(arguments, text):
    if "torch" in arguments:
        pytest.importorskip("torch")
    done = started([sys.executable, "-m", "unidl", "launch", *arguments], "numpy")
    assert done.returncode == 2
    assert text in done.stderr


def test_what_fails_is_started_again(tmp_path):
    pytest.importorskip("mpi4py")
    script = tmp_path / "script.py"
    script.write_text(
        "import pathlib, sys\n"
        "been = pathlib.Path(sys.argv[1])\n"
        "if not been.exists():\n"
        "    been.touch()\n"
        "    sys.exit(3)\n"
        "print('it ends well')\n"
    )
    command = [str(script), str(tmp_path / "been")]
    done = launched(1, "numpy", "--max-restarts", "2", *command)
    assert done.returncode == 0, done.stderr
    assert "restart 1 of 2" in done.stderr
    assert "it ends well" in done.stdout
    (tmp_path / "been").unlink()
    assert launched(1, "numpy", *command).returncode == 3


def test_a_dry_run_prints_commands_for_each_host():
    pytest.importorskip("torch")
    command = ["launch", "-n", "4", "--hosts", "a,b", "--port", "999", "--dry-run", "t.py", "-x"]
    done = started([sys.executable, "-m", "unidl", *command], "torch")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == ["# on a", "# on b"]
    assert "--nnodes 2 --node-rank 1 --nproc-per-node 4 --master-addr a" in lines[3]
    assert lines[3].endswith("t.py -x")


@pytest.mark.slow
def test_a_killed_run_goes_on_with_another_number_of_processes(backend, tmp_path):
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    done = started([sys.executable, RESUMED, str(whole), "whole"], backend.name, UNIDL_ALONE="1")
    assert done.returncode == 0, done.stderr[-2000:]
    done = launched(2, backend.name, RESUMED, str(killed), "killed")
    assert done.returncode != 0
    assert (killed / "backup").exists()
    done = launched(3, backend.name, RESUMED, str(killed), "whole")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    _ended_alike(whole, killed)


@pytest.mark.slow
def test_processes_that_die_at_random_are_started_again(backend, tmp_path):
    """UNIDL_KILLS deaths where it is set, as `make chaos` does."""
    pytest.importorskip(NEEDS.get(backend.name, backend.name))
    deaths = os.environ.get("UNIDL_KILLS", "3")
    whole, chaos = tmp_path / "whole", tmp_path / "chaos"
    whole.mkdir(), chaos.mkdir()
    done = started([sys.executable, RESUMED, str(whole), "whole"], backend.name, UNIDL_ALONE="1")
    assert done.returncode == 0, done.stderr[-2000:]
    restarts = ["--max-restarts", str(4 * int(deaths))]
    done = launched(2, backend.name, *restarts, RESUMED, str(chaos), deaths, timeout=3600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    died = [path for path in chaos.iterdir() if path.name.startswith("death")]
    assert len(died) >= int(deaths)
    print(f"{backend.name}: {len(died)} deaths, and the weights of a run without")
    _ended_alike(whole, chaos)


def _ended_alike(whole, other):
    expected, found = (np.load(folder / "weights.npz") for folder in (whole, other))
    for name in expected.files:
        error = np.abs(found[name] - expected[name]).max()
        assert error <= 1e-12 * np.abs(expected[name]).max()

"""Every example runs on every backend; those that learn do learn."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import unidl

FOLDER = Path(__file__).parents[2] / "examples"
# From one framework to another: which backend is active between matters little, and they need both.
MOVING = {"keras_to_torch": ("keras", "torch"), "leave_mxnet": ("mxnet", "torch")}
LAUNCHED = "distributed"  # by tests/distribution
OTHERS = ("common", LAUNCHED, *MOVING)
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in OTHERS)

# All examples in one process, since importing a framework takes longer than a short run.
RUN_ALL = """
import runpy, sys, unidl
for name in sys.argv[1:]:
    sys.argv = [name, "--epochs", "1", "--samples", "96"]
    print("example", name)
    runpy.run_path(name, run_name="__main__")
    unidl.utils.clear_session()
"""


def run(backend, *arguments):
    environment = os.environ | {
        "UNIDL_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(FOLDER), *sys.path]),
    }
    result = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    return result.stdout


@pytest.mark.quick_on("numpy", "torch")
@pytest.mark.parametrize("backend", [row.name for row in unidl.list_backends() if row.installed])
def test_all_run(backend):
    output = run(backend, "-c", RUN_ALL, *(f"{FOLDER / name}.py" for name in NAMES))
    assert output.count("example ") == len(NAMES)
    assert "nan" not in output.lower().replace("tenant", "")


# example: (epochs, pattern of the number that tells, bound)
LEARNING = {
    "digits_cnn": (6, r"test accuracy ([\d.]+)", 0.95),
    "keras_mlp": (6, r"test loss and accuracy: \[[\d.]+, ([\d.]+)\]", 0.93),
    "torch_mlp": (10, r"test loss and accuracy: \[[\d.]+, ([\d.]+)\]", 0.88),
    "custom_loop": (3, r".*test accuracy ([\d.]+)", 0.9),
    "custom_layer": (3, r"test loss and accuracy: \[[\d.]+, ([\d.]+)\]", 0.93),
    "transformer": (8, r"validation accuracy: ([\d.]+)", 0.9),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_it_learns(name):
    epochs, pattern, bound = LEARNING[name]
    output = run("numpy", f"{FOLDER / name}.py", "--epochs", str(epochs))
    assert float(re.findall(pattern, output)[-1]) >= bound, output[-500:]


@pytest.mark.slow
def test_the_lstm_learns_to_add():
    output = run("numpy", str(FOLDER / "lstm_sequence.py"), "--epochs", "12")
    assert float(re.search(r"to ([\d.]+) \(guess", output)[1]) < 0.12, output[-500:]


@pytest.mark.parametrize(
    "name", ["leave_mxnet", pytest.param("keras_to_torch", marks=pytest.mark.slow)]
)
def test_models_move(name):
    if any(importlib.util.find_spec(framework) is None for framework in MOVING[name]):
        pytest.skip(f"needs {' and '.join(MOVING[name])}")
    output = run("torch", f"{FOLDER / name}.py", "--epochs", "1", "--samples", "96")
    assert output.count(": equal") == 2
    assert "class " in output

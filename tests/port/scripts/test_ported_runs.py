"""Scripts of other frameworks, ported, then run: they print what the originals print."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

import unidl
from tests.guides.one_script import differences
from tests.port.scripts.runs import FOLDER, fix_unidl, run

pytest.importorskip("libcst")

from unidl.port.scripts import port_source

SCRIPTS = sorted([*FOLDER.glob("tf_keras/*.py"), *FOLDER.glob("gluon/*.py")])
QUICK = ("expert", "train_step", "gan", "own_block", "batch_norm", "softmax_regression", "one_cell")
ROUNDING = 1e-4  # of float32


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


def ported_lines(path, tmp_path, monkeypatch):
    found = port_source(path.read_text(encoding="utf-8"))
    assert found.whole, found.kept
    assert found.ported == found.calls > 0
    assert port_source(found.text).text == found.text
    new = tmp_path / path.name
    new.write_text(found.text, encoding="utf-8")
    fix_unidl(monkeypatch)
    unidl.utils.set_random_seed(0)
    return run(new)


@pytest.mark.parametrize(
    "path",
    [p if p.stem in QUICK else pytest.param(p, marks=pytest.mark.slow) for p in SCRIPTS],
    ids=name_of,
)
def test_it_runs_as_the_original_does(path, tmp_path, monkeypatch):
    expected = json.loads((FOLDER / "printed.json").read_text(encoding="utf-8"))
    with unidl.use_backend("numpy"):
        lines = ported_lines(path, tmp_path, monkeypatch)
    assert not differences(lines, expected[name_of(path)], ROUNDING)


@pytest.mark.slow
def test_they_run_on_every_backend(backend, tmp_path, monkeypatch):
    expected = json.loads((FOLDER / "printed.json").read_text(encoding="utf-8"))
    for path in SCRIPTS:
        lines = ported_lines(path, tmp_path, monkeypatch)
        assert not differences(lines, expected[name_of(path)], ROUNDING), path


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "framework"), [("tf_keras", "keras"), ("gluon", "mxnet")])
def test_the_originals_print_what_is_written_down(folder, framework, tmp_path):
    """printed.json has what the originals print on their own frameworks."""
    if find_spec("tensorflow" if framework == "keras" else "mxnet") is None:
        pytest.skip("the framework is not installed")
    scripts = [path for path in SCRIPTS if path.parent.name == folder]
    found = originals(framework, scripts, tmp_path / "found.json")
    expected = json.loads((FOLDER / "printed.json").read_text(encoding="utf-8"))
    for path in scripts:
        assert not differences(found[str(path)], expected[name_of(path)], ROUNDING), path


def originals(framework, scripts, out):
    command = [sys.executable, "-W", "ignore", str(FOLDER / "runs.py"), framework, str(out)]
    result = subprocess.run(
        [*command, *map(str, scripts)],
        env=os.environ | {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(out.read_text())

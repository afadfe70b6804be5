"""What someone sees who writes a program with unidl in an editor."""

import runpy
from pathlib import Path

import pytest

from tests.typing import checkers

ROOT = Path(__file__).parents[2]
EXPECTED = {name: checkers.marked(name) for name in checkers.SCRIPTS}


@pytest.mark.slow
def test_mypy_finds_each_mistake_and_no_others(tmp_path):
    pytest.importorskip("mypy")
    folder = checkers.copied(tmp_path)
    assert checkers.mypy(folder, paths=[ROOT, ROOT / "backends"]) == EXPECTED


@pytest.mark.slow
def test_pyright_finds_each_mistake_and_no_others(tmp_path):
    pytest.importorskip("basedpyright")
    folder = checkers.copied(tmp_path)
    assert checkers.pyright(folder, paths=[ROOT, ROOT / "backends"]) == EXPECTED


def test_there_are_mistakes_to_find():
    assert len(EXPECTED["mistakes.py"]) > 20
    assert EXPECTED["good.py"] == []


def test_the_good_script_runs(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(checkers.FOLDER / "good.py"))

"""The `unidl` command."""

import pytest

import unidl
from unidl.cli import main


def test_backends_lists_all_with_their_state(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    with unidl.use_backend("numpy"):
        assert main(["backends"]) == 0
    output = capsys.readouterr().out
    assert "* numpy" in output
    for row in unidl.list_backends():
        line = next(line for line in output.splitlines() if f" {row.name} " in line)
        assert (
            (row.version in line and "cpu:0" in line and "ready" in line)
            if row.installed
            else "not installed" in line
        )


def test_an_unknown_active_backend_is_told(capsys, monkeypatch):
    monkeypatch.setenv("UNIDL_BACKEND", "nothing")
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["backends"]) == 1
    captured = capsys.readouterr()
    assert "'nothing'" in captured.err
    assert " numpy " in captured.out


def test_without_a_command_help_is_shown(capsys):
    assert main([]) == 0
    assert "usage: unidl" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"unidl {unidl.__version__}\n"


def test_an_unknown_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["nothing"])
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err

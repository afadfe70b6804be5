"""A framework that crashes costs one case: what ran before stays, and the run goes on."""

import json

import pytest

from unidl.cli import main
from unidl.conformance.journal import Journal, JournalError

CRASH = """
import os
from unidl_numpy.adapter import NumpyBackend


class Stranger(NumpyBackend):
    name = "stranger"

    def floor(self, x):
        os.abort()
"""
COMMAND = ("-m", "unidl", "conformance", "--backend", "stranger", "--match", "oor")


@pytest.fixture
def crashing(stranger):
    (stranger.package / "adapter.py").write_text(CRASH)
    return stranger


def _records(path):
    return json.loads(path.read_text())


def _crashed(records):
    return {r["case"]: r for r in records if r["what"] == "crash"}


def test_isolated_cases_crash_alone(crashing, tmp_path):
    found = tmp_path / "found.json"
    done = crashing(*COMMAND, "--isolate", "--json", str(found))
    assert done.returncode == 1, done.stderr
    crashed = _crashed(_records(found))
    assert "floor" in crashed
    for record in crashed.values():
        assert not record["passed"]
        assert record["error"] is None
        assert "the process died of SIGABRT" in record["message"]
        assert f"--match '{record['case']}'" in record["message"]
    # Cases after the crash ran, in a child of their own, and passed.
    others = [r for r in _records(found) if r["case"].startswith("floor_divide")]
    assert others
    assert all(r["passed"] for r in others)
    assert "died of SIGABRT" in done.stdout
    assert not (tmp_path / "found.json.partial").exists()


def test_what_ran_before_a_crash_stays_and_the_run_goes_on(crashing, tmp_path):
    found, partial = tmp_path / "found.json", tmp_path / "found.json.partial"
    done = crashing(*COMMAND, "--json", str(found))
    assert done.returncode < 0  # died of its signal
    assert not found.exists()
    assert "Fatal Python error: Aborted" in done.stderr
    lines = [json.loads(line) for line in partial.read_text().splitlines()]
    backend, case = lines[-1]["running"]
    assert (backend, case) == ("stranger", "floor")
    before = [line["done"][1] for line in lines if "done" in line]

    # The case runs again in a child, dies, and is a failed case; the next one dies here again.
    for _ in range(20):
        done = crashing(*COMMAND, "--json", str(found), "--resume")
        if found.exists():
            break
        assert done.returncode < 0
    assert done.returncode == 1, done.stderr
    records = _records(found)
    assert "floor" in _crashed(records)
    assert set(before) <= {r["case"] for r in records}
    whole = crashing(*COMMAND, "--isolate", "--json", str(tmp_path / "whole.json"))
    assert whole.returncode == 1
    assert records == _records(tmp_path / "whole.json")


def test_resume_runs_nothing_twice(tmp_path, monkeypatch, capsys):
    found = tmp_path / "found.json"
    command = ["conformance", "--backend", "numpy", "--match", "log_softmax", "--json", str(found)]
    calls = []

    def interrupted(case, *arguments):
        calls.append(case.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(case, *arguments)

    from unidl.conformance import suite

    run = suite.run_case
    monkeypatch.setattr(suite, "run_case", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(command)
    first = list(calls)
    assert main([*command, "--resume"]) == 0
    # The third ran again, in a child process.
    assert set(first) & set(calls[3:]) == set()
    assert {r["case"] for r in _records(found)} == set(calls)


def test_resume_needs_something_to_go_on_from(tmp_path, capsys):
    command = ["conformance", "--backend", "numpy", "--match", "expm1", "--resume"]
    assert main(command) == 2
    assert "give the same file again" in capsys.readouterr().err
    assert main([*command, "--json", str(tmp_path / "none.json")]) == 2
    assert "none.json.partial to continue from" in capsys.readouterr().err


def test_a_journal_of_another_run_is_refused(tmp_path):
    Journal(tmp_path / "journal", {"match": "a"}).close()
    with pytest.raises(JournalError, match="belongs to a run with other settings"):
        Journal(tmp_path / "journal", {"match": "b"}, resume=True)


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path, {})
    journal.begin("here", "sin")
    journal.add("here", "sin", [])
    journal.begin("here", "cos")
    journal.close()
    path.write_text(path.read_text() + '{"done": ["he')
    again = Journal(path, {}, resume=True)
    assert again.done == {("here", "sin"): []}
    assert again.unfinished == ("here", "cos")
    again.add("here", "cos", [])
    again.close()
    third = Journal(path, {}, resume=True)
    assert set(third.done) == {("here", "sin"), ("here", "cos")}
    assert third.unfinished is None


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_file_without_a_directory_is_refused_before_the_run(option, tmp_path, capsys):
    path = tmp_path / "nowhere" / "found"
    assert main(["conformance", "--backend", "numpy", option, str(path)]) == 2
    assert "an existing directory" in capsys.readouterr().err

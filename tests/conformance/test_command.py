"""`unidl conformance`, its table, its records and its page; and the suite in the hands of a
stranger's backend."""

import json
import math

import pytest

from unidl.backend import get_backend
from unidl.cli import main
from unidl.conformance import Record, command, html, report, suite, test_conformance
from unidl.conformance.cases import ALL_CASES

FIELDS = ["case", "backend", "device", "dtype", "what", "error", "budget", "passed"]


def test_command(capsys, tmp_path):
    """A table for people, a list of records, a page."""
    found, page = tmp_path / "found.json", tmp_path / "page.html"
    assert (
        main(
            [
                "conformance",
                "--backend",
                "numpy",
                "--match",
                "matmul",
                "--json",
                str(found),
                "--html",
                str(page),
            ]
        )
        == 0
    )
    assert "numpy" in capsys.readouterr().out
    records = json.loads(found.read_text())
    assert len(records) > 50
    for record in records:
        assert list(record)[: len(FIELDS)] == FIELDS
    assert {r["dtype"] for r in records} == {
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "none",
    }  # "none": of integers
    assert [r["passed"] for r in records] == [True] * len(records)
    assert {r["version"] for r in records} == {get_backend("numpy").version}
    assert report.read_json(found) == [Record(**r) for r in records]
    text = page.read_text()
    assert f"All {len(records):,} records are as they should be" in text
    assert (
        "NumPy has no bfloat16" not in text
    )  # the reason is the suite's, once, not the exception's for each case
    assert "no dtype bfloat16" in text
    assert "http" not in text, "the page needs nothing from elsewhere"


def test_one_dtype(tmp_path):
    path = tmp_path / "found.json"
    assert (
        main(
            [
                "conformance",
                "--backend",
                "numpy",
                "--match",
                "matmul",
                "--dtype",
                "float16",
                "--json",
                str(path),
            ]
        )
        == 0
    )
    assert {r["dtype"] for r in json.loads(path.read_text())} == {"float16"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "nothing"], "no backend named 'nothing'"),
        (["--backend", "numpy", "--device", "gpu"], "has no device 'gpu:0' here, it has: cpu:0"),
        (["--backend", "numpy", "--device", "tpu"], "Unknown device 'tpu'"),
    ],
)
def test_what_is_not_there_is_said(arguments, message, capsys):
    assert main(["conformance", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_device_of_the_environment_must_be_there(capsys, monkeypatch):
    monkeypatch.setenv("UNIDL_DEVICE", "gpu:7")
    assert main(["conformance", "--backend", "numpy"]) == 2
    assert "has no device 'gpu:7' here" in capsys.readouterr().err


def test_without_the_device_the_tests_skip_and_say_why(monkeypatch):
    monkeypatch.setenv("UNIDL_DEVICE", "gpu:7")
    with pytest.raises(
        pytest.skip.Exception, match="The backend 'numpy' has no device 'gpu:7' here, it has: cpu:0"
    ):
        test_conformance.test_case(ALL_CASES[0], "numpy")


def test_no_case_is_no_success(capsys):
    assert main(["conformance", "--backend", "numpy", "--match", "no such case"]) == 1
    assert "No case's name contains 'no such case'" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["run_case", "write_json", "print_table", "page"])
def test_a_failure_of_the_command_itself_is_no_success(part, tmp_path, monkeypatch):
    """Whatever raises outside a case, the command ends with the exception and so with status 1."""

    def fail(*args, **kwargs):
        raise RuntimeError("planted")

    module = {"run_case": suite, "page": html}.get(part, report)
    monkeypatch.setattr(module, part, fail)
    found, page = str(tmp_path / "found.json"), str(tmp_path / "page.html")
    command = ["conformance", "--backend", "numpy", "--match", "expm1", "--json", found]
    with pytest.raises(RuntimeError, match="planted"):
        main([*command, "--html", page])
    assert not (tmp_path / "page.html").exists()


def test_a_backend_on_which_nothing_ran_is_no_success(monkeypatch, capsys):
    run = suite.run_case
    monkeypatch.setattr(
        suite, "run_case", lambda case, name, *args: [] if name == "torch" else run(case, name)
    )
    monkeypatch.setattr(command, "get_backend", lambda name: get_backend("numpy"))
    arguments = ["conformance", "--match", "expm1", "--backend", "numpy", "--backend", "torch"]
    assert main(arguments) == 1
    assert "torch: 2 of 2 cases did not run" in capsys.readouterr().out


def test_cases_of_other_dtypes_are_said_not_to_have_run(capsys):
    assert (
        main(["conformance", "--backend", "numpy", "--match", "expm1", "--dtype", "float16"]) == 0
    )
    out = " ".join(capsys.readouterr().out.split())
    assert "1 of 2 cases did not run, since they do not apply to float16" in out


def test_the_page_shows_what_went_wrong():
    good = Record("sin", "here", "cpu:0", "float64", "forward", 1e-16, 1e-12, True, version="1")
    bad = Record(
        "cos: <edge>",
        "here",
        "cpu:0",
        "float64",
        "forward",
        math.inf,
        1e-12,
        False,
        "shape (1,), expected (2,)",
        version="1",
    )
    known = Record(
        "tan",
        "here",
        "cpu:0",
        "float32",
        "forward",
        99.0,
        8.0,
        False,
        known="its kernel has six digits",
        version="1",
    )
    absent = Record(
        "qr", "here", "cpu:0", "none", "unsupported", 0.0, 0.0, True, "no kernel", version="1"
    )
    text = html.page([good, bad, known, absent])
    assert "Nothing was compared" in html.page([])
    assert "1 of 4 records failed" in text
    for part in (
        "cos: &lt;edge&gt;",
        "shape (1,), expected (2,)",
        "known to fail: its kernel has six digits",
        "not offered: no kernel",
    ):
        assert part in text
    assert report.summary([good, bad, known, absent]) == {
        "cases": 4, "records": 4, "passed": 1, "known": 1, "problems": 1, "unsupported": 1,
    }  # fmt: skip


# -- a stranger's backend
# -----------------------------------------------------------------------------

REASON = "floor rounds up here, on purpose"


def test_a_stranger_is_certified(stranger):
    """The command and pytest both find its backend, its fault, and, once it is written down, the
    reason."""
    command = ("-m", "unidl", "conformance", "--backend", "stranger", "--match")
    pytest_command = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "unidl.conformance",
        "-k",
    )
    done = stranger(*command, "matmul")
    assert done.returncode == 0, done.stderr
    assert "stranger" in done.stdout
    assert stranger(*command, "floor").returncode == 1
    done = stranger(*pytest_command, "floor")
    assert done.returncode == 1
    assert "floor [stranger, cpu:0, float64] forward: error" in done.stdout
    lines = [{"case": case, "reason": REASON} for case in ("floor",)]
    (stranger.package / "known_failures.json").write_text(json.dumps(lines))
    done = stranger(*command, "floor")
    assert done.returncode == 0, done.stdout
    assert f"floor: known to fail: {REASON}" in done.stdout
    done = stranger(*pytest_command, "floor or matmul")
    assert done.returncode == 0, done.stdout
    assert "stranger" in stranger(*pytest_command, "floor", "--collect-only").stdout

"""The tables of README.md and docs/conformance.md are made of records."""

import math

import pytest

from tools import make_conformance
from unidl.conformance import Record, report
from unidl.conformance.report import by_backend

RECORDS = [
    Record("sin", "here", "cpu:0", "float64", "forward", 1.25e-15, 1e-12, True, version="1.2"),
    Record("cos", "here", "cpu:0", "float64", "forward", 3e-16, 1e-12, True, version="1.2"),
    Record("a|b", "here", "cpu:0", "float32", "gradient of x", 4.0, 16.0, True, version="1.2"),
    Record(
        "tan", "there", "cpu:0", "float32", "forward", math.inf, 8.0, False, "shape", version="3"
    ),
    Record(
        "erf",
        "there",
        "cpu:0",
        "float32",
        "forward",
        9.0,
        8.0,
        False,
        known="six digits",
        version="3",
    ),
]


def test_the_short_table():
    lines = make_conformance.short(by_backend(RECORDS)).splitlines()
    assert lines[2] == "| here 1.2 | 3 | 3 | 0 | 0 | 1.2e-15 of 1e-12 | 4 of 16 | – | – |"
    assert lines[3] == "| there 3 | 2 | 2 | 1 | 1 | – | – | – | – |"


def test_the_long_tables_say_where_and_why():
    text = make_conformance.long(by_backend(RECORDS))
    assert "| here | float32 | 4 of 16 | `a\\|b`, gradient of x |" in text
    assert "| there | erf: known to fail: six digits | 1 |" in text


def test_the_files_are_written_between_their_markers(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    texts = [tmp_path / "README.md", tmp_path / "docs" / "conformance.md"]
    for text in texts:
        text.write_text(f"before\n{make_conformance.BEGIN}\nold\n{make_conformance.END}\nafter\n")
    report.write_json(RECORDS, tmp_path / "records.json")
    monkeypatch.setattr(make_conformance, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["make_conformance.py", str(tmp_path / "records.json")])
    for _ in range(2):
        make_conformance.main()
        for text in texts:
            found = text.read_text()
            assert "old" not in found
            assert found.startswith("before\n")
            assert found.endswith("after\n")
            assert found.count("| here 1.2 |") == 1
    assert "1 of 5 records failed" in (tmp_path / "docs" / "conformance.html").read_text()


def test_a_file_without_markers_is_not_written(tmp_path):
    path = tmp_path / "text.md"
    path.write_text("nothing")
    with pytest.raises(SystemExit, match="has no lines"):
        make_conformance.replace_between(path, "table")
    assert path.read_text() == "nothing"

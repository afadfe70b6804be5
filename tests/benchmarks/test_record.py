"""Published figures come from several runs: which of them stay, and what nobody has measured
yet."""

from __future__ import annotations

import json

import pytest

from benchmarks import publish, record
from benchmarks.__main__ import PUBLISHED

RUN = {"machine": "m", "versions": {"numpy": "1"}, "clock": "wall", "rounds": 3, "quick": False}


def document(run, *results, streams=()):
    return {
        "runs": {run: RUN},
        "results": [{"run": run, **r} for r in results],
        "streams": [{"run": run, **s} for s in streams],
        "gpu": [],
    }


def result(measures, backend="torch", workload="mlp", threads=1):
    figures = {
        name: {measure: [1.0, 2.0] for measure in measures}
        for name in (f"unidl-{backend}", "native-torch")
    }
    return {
        "backend": backend,
        "workload": workload,
        "threads": threads,
        "quick": False,
        "figures": figures,
    }


def measured(found):
    return {
        (r["run"], r["backend"], r["workload"], r["threads"], m)
        for r in found["results"]
        for m in r["figures"]["native-torch"]
    }


def test_a_part_takes_the_place_of_the_same_measures_of_the_same_competition():
    old = document(
        "1",
        result(["fit", "predict_1"]),
        result(["fit"], threads=2),
        result(["fit"], workload="cnn"),
        result(["fit"], "numpy"),
    )
    found = record.merged(old, document("2", result(["fit", "evaluate"])))
    assert measured(found) == {
        ("1", "torch", "mlp", 1, "predict_1"), ("1", "torch", "mlp", 2, "fit"),
        ("1", "torch", "cnn", 1, "fit"), ("1", "numpy", "mlp", 1, "fit"),
        ("2", "torch", "mlp", 1, "fit"), ("2", "torch", "mlp", 1, "evaluate"),
    }  # fmt: skip


def test_a_run_of_which_nothing_is_left_is_forgotten():
    old = document("1", result(["fit"]), streams=[{"backend": "torch", "source": "memmap"}])
    newer = record.merged(old, document("2", result(["fit"])))
    assert list(newer["runs"]) == ["1", "2"]  # of the first, the stream
    newest = record.merged(
        newer, document("3", streams=[{"backend": "torch", "source": "generator"}])
    )
    assert list(newest["runs"]) == ["2", "3"]
    assert [s["source"] for s in newest["streams"]] == ["generator"]


def test_what_nobody_measured_is_named():
    everything = record.missing(record.empty())
    assert {what for _, _, what in everything} == {None}
    missing = record.missing(document("1", result(["fit", "predict_1", "evaluate"])))
    keys = {(w.name, threads, what): backends for (w, threads, what), backends in missing.items()}
    assert keys["mlp", 1, "predict_256"] == ["torch"]
    assert "torch" not in keys["mlp", 1, None]
    assert "torch" in keys["mlp", 2, None]


@pytest.fixture
def docs(tmp_path, monkeypatch):
    """Where pages are written to during a test."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(publish, "DOCS", tmp_path)
    return tmp_path


def test_the_page_names_the_run_of_each_row(docs):
    publish.publish(
        record.merged(document("a", result(["fit", "predict_1"])), document("b", result(["fit"])))
    )
    lines = (docs / "performance.md").read_text().splitlines()
    assert [
        line.split("|")[-2].strip()
        for line in lines
        if line.startswith(("| fit, a step |", "| predict 1 |"))
    ] == ["2", "1"]
    assert (docs / "performance.png").exists()


PAGE = publish.DOCS / "performance.md"


def test_the_published_page_is_that_of_the_published_figures(docs):
    publish.publish(json.loads(PUBLISHED.read_text()))
    assert (docs / "performance.md").read_text() == PAGE.read_text(), (
        "Run `python -m benchmarks --republish`."
    )

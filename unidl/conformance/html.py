"""The report as one self-contained page: counts, worst figures, a heat map of all functions and
layers, every exception with its reason."""

from __future__ import annotations

import datetime
import os
import platform
from html import escape

import numpy as np

from unidl.conformance.engine import DTYPES
from unidl.conformance.report import by_backend, figure, reasons, summary, worst
from unidl.utils import html_page
from unidl.utils.html_page import table


def page(records) -> str:
    """HTML of the records of any backends."""
    groups = by_backend(records)
    problems = [record for record in records if record.is_problem]
    if problems:
        verdict = f"{len(problems)} of {len(records):,} records failed"
    elif records:
        verdict = f"All {len(records):,} records are as they should be"
    else:
        verdict = "Nothing was compared"
    parts = [
        "<p>Every function of the contract and every layer, forward, while recording, compiled, "
        "and each gradient, against the NumPy "
        "float64 oracle. float64 may be off by 1e-12 of the largest element; narrower dtypes by 16 "
        "units of rounding scaled by the "
        "condition of the function, elementwise functions by 8 units in the last place.</p>",
        _environment(groups),
        "<h2>Counts</h2>",
        _counts(groups),
        "<h2>Worst figures</h2><p>The passed record closest to its budget.</p>",
        _worst(groups),
        _problems(problems),
        _exceptions(groups),
        "<h2>Every function and layer</h2><p>The largest share of the budget used by any record of "
        "the row, in percent.</p>",
        html_page.key(("absent", "not offered"), ("known", "known failure")),
        _heat_map(records, groups),
    ]
    tone = "bad" if problems else "good"
    return html_page.render("Conformance", "Conformance", verdict, tone, parts)


def _environment(groups):
    devices = ", ".join(
        f"{name} {rows[0].version} on {' and '.join(sorted({r.device for r in rows}))}"
        for name, rows in groups.items()
    )
    machine = (
        f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}, Python "
        f"{platform.python_version()}"
    )
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    today = datetime.date.today().isoformat()
    return (
        f'<p class="small soft">{escape(devices)}. Page written on {today} with NumPy '
        f"{np.__version__} on {escape(machine)}, "
        f"OMP_NUM_THREADS {escape(threads)}.</p>"
    )


def _counts(groups):
    keys = ("cases", "records", "passed", "known", "unsupported", "problems")
    rows = [[name, *(summary(records)[key] for key in keys)] for name, records in groups.items()]
    head = ["backend", "cases", "records", "passed", "known failures", "not offered", "problems"]
    return table(head, rows)


def _worst(groups):
    dtypes = [d for d in DTYPES if any(r.dtype == d for rows in groups.values() for r in rows)]
    rows = [
        [name, *(_described(worst(records, d)) for d in dtypes)] for name, records in groups.items()
    ]
    return table(["backend", *dtypes], rows)


def _described(record):
    return "" if record is None else f"{figure(record)}: {record.case}, {record.what}"


def _problems(problems):
    if not problems:
        return ""
    rows = [[r.backend, r.dtype, r.case, r.what, _told(r)] for r in problems]
    return "<h2>Problems</h2>" + table(["backend", "dtype", "case", "what", "finding"], rows)


def _told(record):
    return record.message or f"error {record.error:.3g}, budget {record.budget:.3g}"


def _exceptions(groups):
    rows = [
        [name, text, count] for name, records in groups.items() for text, count in reasons(records)
    ]
    if not rows:
        return ""
    title = "<h2>Known failures, and what is not offered</h2>"
    return title + table(["backend", "reason", "cases"], rows)


def _heat_map(records, groups):
    """Rows: what comes before the label in a case's name. Columns: each backend in each dtype."""
    dtypes = {
        name: [d for d in DTYPES if any(r.dtype == d for r in rows)]
        for name, rows in groups.items()
    }
    cells: dict[tuple, list] = {}
    for record in records:
        row = record.case.partition(":")[0].partition(",")[0]
        # What has no float inputs is shown where float64 is.
        dtype = "float64" if record.dtype == "none" else record.dtype
        cells.setdefault((row, record.backend, dtype), []).append(record)
    rows = [
        (
            escape(row),
            [[_cell(cells.get((row, name, d), [])) for d in dtypes[name]] for name in groups],
            False,
        )
        for row in dict.fromkeys(row for row, _, _ in cells)
    ]
    return html_page.heat_map(list(dtypes.items()), rows)


def _cell(records):
    if not records:
        return html_page.cell("", "none", "no such case")
    top = max(records, key=_share)
    title = _described(top)
    if any(r.is_problem for r in records):
        return html_page.cell("✗", "bad", title)
    if any(r.known for r in records):
        return html_page.cell("known", "known", title)
    if all(r.what == "unsupported" for r in records):
        return html_page.cell("–", "absent", records[0].message)
    share = _share(top)
    return html_page.cell(
        "0" if share == 0 else f"{100 * share:.2g}", html_page.kind_of(share), title
    )


def _share(record):
    return record.error / record.budget if record.budget else record.error

"""The report as one self-contained page: counts, worst figures, a heat map of all functions and layers, every exception with its reason."""

from __future__ import annotations

import datetime
import os
import platform
from html import escape

import numpy as np

from unidl.conformance.engine import DTYPES
from unidl.conformance.report import by_backend, figure, reasons, summary, worst

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem; color: #1b1f24; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; }
.verdict { font-size: 1.15rem; font-weight: 600; } .good { color: #14633a; } .bad { color: #a11a1a; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .2rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid #e3e6ea; }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.map { font-size: 12px; }
.map td.cell { text-align: right; min-width: 2.4rem; padding: .2rem .3rem; border: 1px solid #fff; font-variant-numeric: tabular-nums; }
.map thead th { position: sticky; top: 0; background: #fff; } .legend td { border: 1px solid #fff; font-size: 12px; }
small { color: #57606a; }
"""

# Share of the budget used up -> colour and what it means; the numbers stand in the cells too.
_SCALE = (
    (0.0, "#eef3f7", "0"),
    (1e-3, "#d7e7f3", "up to 0.1 %"),
    (1e-2, "#b5d3ea", "up to 1 %"),
    (0.1, "#86b6dc", "up to 10 %"),
    (0.5, "#f3d27a", "up to 50 %"),
    (1.0, "#eda14f", "up to 100 %"),
    (np.inf, "#d1495b", "failed"),
)
_ABSENT = ("#f1e3f5", "not offered")
_KNOWN = ("#b3a1c9", "known failure")


def page(records) -> str:
    """HTML of the records of any backends."""
    groups = by_backend(records)
    problems = [record for record in records if record.is_problem]
    verdict = (
        f"{len(problems)} of {len(records):,} records failed"
        if problems
        else f"All {len(records):,} records are as they should be"
    )
    parts = [
        "<h1>Conformance</h1>",
        f"<p class='verdict {'bad' if problems else 'good'}'>{verdict}.</p>",
        "<p>Every function of the contract and every layer, forward, while recording, compiled, and each gradient, against the NumPy "
        "float64 oracle. float64 may be off by 1e-12 of the largest element; narrower dtypes by 16 units of rounding scaled by the "
        "condition of the function, elementwise functions by 8 units in the last place.</p>",
        _environment(groups),
        "<h2>Counts</h2>",
        _counts(groups),
        "<h2>Worst figures</h2><p>Of what passed, the record closest to its budget.</p>",
        _worst(groups),
        _problems(problems),
        _exceptions(groups),
        "<h2>Every function and layer</h2><p>The largest share of the budget that any record of the row used up, in per cent.</p>",
        _legend(),
        _heat_map(records, groups),
    ]
    body = "\n".join(parts)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>Conformance</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _table(head, rows, kind=""):
    cells = "".join(f"<th>{escape(h)}</th>" for h in head)
    lines = "\n".join("<tr>" + "".join(row) + "</tr>" for row in rows)
    return (
        f"<table class='{kind}'><thead><tr>{cells}</tr></thead><tbody>\n{lines}\n</tbody></table>"
    )


def _text(value):
    return f"<td>{escape(str(value))}</td>"


def _number(value):
    return f"<td class='number'>{value:,}</td>"


def _environment(groups):
    devices = ", ".join(
        f"{name} {rows[0].version} on {' and '.join(sorted({r.device for r in rows}))}"
        for name, rows in groups.items()
    )
    machine = f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    today = datetime.date.today().isoformat()
    return (
        f"<p><small>{escape(devices)}. Page written on {today} with NumPy {np.__version__} on {escape(machine)}, "
        f"OMP_NUM_THREADS {escape(threads)}.</small></p>"
    )


def _counts(groups):
    keys = ("cases", "records", "passed", "known", "unsupported", "problems")
    rows = [
        [_text(name), *(_number(summary(records)[key]) for key in keys)]
        for name, records in groups.items()
    ]
    return _table(
        ["backend", "cases", "records", "passed", "known failures", "not offered", "problems"], rows
    )


def _worst(groups):
    dtypes = [d for d in DTYPES if any(r.dtype == d for rows in groups.values() for r in rows)]
    rows = [
        [_text(name), *(_text(_described(worst(records, d))) for d in dtypes)]
        for name, records in groups.items()
    ]
    return _table(["backend", *dtypes], rows)


def _described(record):
    return "" if record is None else f"{figure(record)}: {record.case}, {record.what}"


def _problems(problems):
    if not problems:
        return ""
    rows = [
        [_text(r.backend), _text(r.dtype), _text(r.case), _text(r.what), _text(_told(r))]
        for r in problems
    ]
    return "<h2>Problems</h2>" + _table(["backend", "dtype", "case", "what", "finding"], rows)


def _told(record):
    return record.message or f"error {record.error:.3g}, budget {record.budget:.3g}"


def _exceptions(groups):
    rows = [
        [_text(name), _text(text), _number(count)]
        for name, records in groups.items()
        for text, count in reasons(records)
    ]
    if not rows:
        return ""
    return "<h2>Known failures, and what is not offered</h2>" + _table(
        ["backend", "reason", "cases"], rows
    )


def _legend():
    cells = [
        f"<td style='background:{colour}'>{escape(meaning)}</td>" for _, colour, meaning in _SCALE
    ]
    cells += [
        f"<td style='background:{colour}'>{meaning}</td>" for colour, meaning in (_ABSENT, _KNOWN)
    ]
    return f"<table class='legend'><tr>{''.join(cells)}</tr></table>"


def _heat_map(records, groups):
    """Rows: what comes before the label in a case's name. Columns: each backend in each dtype."""
    columns = [
        (name, d) for name in groups for d in DTYPES if any(r.dtype == d for r in groups[name])
    ]
    cells: dict[tuple, list] = {}
    for record in records:
        row = record.case.partition(":")[0].partition(",")[0]
        # What has no float inputs is shown where float64 is.
        dtype = "float64" if record.dtype == "none" else record.dtype
        cells.setdefault((row, record.backend, dtype), []).append(record)
    names = list(dict.fromkeys(row for row, _, _ in cells))
    rows = [
        [_text(row), *(_cell(cells.get((row, *column), [])) for column in columns)] for row in names
    ]
    return _table(["", *(f"{name} {dtype}" for name, dtype in columns)], rows, "map")


def _cell(records):
    if not records:
        return "<td class='cell'></td>"
    title = escape(_described(max(records, key=_share)), quote=True)
    if any(r.is_problem for r in records):
        colour, text = _SCALE[-1][1], "✗"
    elif any(r.known for r in records):
        colour, text = _KNOWN[0], "known"
    elif all(r.what == "unsupported" for r in records):
        colour, text = _ABSENT[0], "–"
        title = escape(records[0].message, quote=True)
    else:
        share = max(map(_share, records))
        colour = next(colour for limit, colour, _ in _SCALE if share <= limit)
        text = "0" if share == 0 else f"{100 * share:.2g}"
    return f"<td class='cell' style='background:{colour}' title='{title}'>{text}</td>"


def _share(record):
    return record.error / record.budget if record.budget else record.error

"""Say what came out of a run: a table for people, JSON for machines. `html` makes the page.

All figures come from the records alone, so runs of several machines or environments can be read
back and shown together.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from unidl.backend import list_backends
from unidl.conformance.engine import DTYPES, Record
from unidl.conformance.journal import from_row, to_row
from unidl.conformance.judge import FLOAT64_BUDGET


def by_backend(records) -> dict[str, list[Record]]:
    """The records of each backend."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.backend, []).append(record)
    return groups


def worst(records, dtype) -> Record | None:
    """Of what passed in `dtype`, the one closest to its budget; in float64 of those held to 1e-12,
    which nearly all are."""
    found = [
        r
        for r in records
        if r.dtype == dtype and r.passed and r.budget > 0 and r.what != "unsupported"
    ]
    if dtype == "float64":
        found = [r for r in found if r.budget == FLOAT64_BUDGET]
    return max(found, key=lambda r: r.error / r.budget, default=None)


def summary(records) -> dict:
    """Counts of one backend's records. What is not offered did not run and so did not pass."""
    return {
        "cases": len({r.case for r in records}),
        "records": len(records),
        "passed": sum(r.passed and r.what != "unsupported" for r in records),
        "known": sum(bool(r.known) for r in records),
        "problems": sum(r.is_problem for r in records),
        "unsupported": sum(r.what == "unsupported" and r.passed for r in records),
    }


def reasons(records) -> list[tuple[str, int]]:
    """What is not offered and what is known to fail, each with the number of its cases."""
    cases = {
        (f"{r.case}: known to fail: {r.known}" if r.known else f"not offered: {r.message}", r.case)
        for r in records
        if _needs_reason(r)
    }
    return sorted(Counter(text for text, _ in cases).items())


def _needs_reason(record):
    return bool(record.known) or (record.what == "unsupported" and record.passed)


def print_table(records) -> None:
    """One row for each backend, then every reason and every problem."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    dtypes = [d for d in DTYPES if any(r.dtype == d for r in records)]
    table = Table(
        "backend",
        "cases",
        "records",
        "passed",
        "known",
        "not offered",
        "problems",
        *(f"worst {dtype}" for dtype in dtypes),
    )
    console = Console()
    groups = by_backend(records)
    for name, rows in groups.items():
        counts = summary(rows)
        keys = ("cases", "records", "passed", "known", "unsupported", "problems")
        cells = [str(counts[key]) for key in keys]
        table.add_row(
            Text(f"{name} {rows[0].version}"),
            *cells,
            *(Text(figure(worst(rows, dtype))) for dtype in dtypes),
        )
    console.print(table)
    for name, rows in groups.items():
        for dtype in dtypes:
            top = worst(rows, dtype)
            if top is not None:
                console.print(
                    Text(
                        f"{name} {dtype}: worst {figure(top)}: {top.case}, {top.what}", style="dim"
                    )
                )
        for text, count in reasons(rows):
            console.print(Text(f"{name}: {text} ({count} {'case' if count == 1 else 'cases'})"))
        for record in rows:
            if record.is_problem:
                console.print(Text(str(record)), style="red")


def figure(record) -> str:
    """The error of a record and its budget, empty for None."""
    return "" if record is None else f"{record.error:.2g} of {record.budget:.2g}"


def write_json(records, path) -> None:
    """A list of records, in one piece: the file is the old one or the new one, never a part."""
    rows = ",\n".join(json.dumps(to_row(record)) for record in records)
    unfinished = Path(f"{path}.new")
    unfinished.write_text(f"[\n{rows}\n]\n", "utf-8")
    unfinished.replace(path)


def read_json(path) -> list[Record]:
    """What `write_json` wrote."""
    return [from_row(row) for row in json.loads(Path(path).read_text("utf-8"))]


def installed() -> list[str]:
    return [row.name for row in list_backends() if row.installed]

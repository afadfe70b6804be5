"""Write the conformance tables of README.md and docs/conformance.md, and docs/conformance.html,
from records.

    python tools/make_conformance.py records.json [more.json ...]

The files are those of `unidl conformance --json FILE`, each of one environment: JAX needs one
without the others. What stands between the markers in the two texts is replaced.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from pathlib import Path

from unidl.conformance import html
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.engine import DTYPES
from unidl.conformance.report import by_backend, figure, read_json, reasons, summary, worst

ROOT = Path(__file__).parents[1]
BEGIN, END = (
    "<!-- conformance: written by tools/make_conformance.py -->",
    "<!-- conformance: end -->",
)


def table(head, rows):
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def short(groups):
    """The table of the README: counts, and the worst share of a budget in each dtype."""
    head = [
        "Backend",
        "Cases",
        "Records",
        "Failed",
        "Known failures",
        *(f"Worst {dtype}" for dtype in DTYPES),
    ]
    rows = []
    for name, records in groups.items():
        counts = summary(records)
        figures = [figure(worst(records, dtype)) or "–" for dtype in DTYPES]
        keys = ("cases", "records", "problems", "known")
        rows.append(
            [f"{name} {records[0].version}", *(f"{counts[key]:,}" for key in keys), *figures]
        )
    total = len({case.name for case in ALL_CASES})
    partly = [
        f"{name} {cases:,}"
        for name, records in groups.items()
        if (cases := summary(records)["cases"]) < total
    ]
    note = (
        f"\n\nThe suite has {total:,} cases; of these a part ran on: {', '.join(partly)}."
        if partly
        else ""
    )
    return table(head, rows) + note


def long(groups):
    """The tables of docs/conformance.md: where the worst figures are, and every exception with its
    reason."""
    rows = []
    for name, records in groups.items():
        for dtype in DTYPES:
            top = worst(records, dtype)
            if top is not None:
                rows.append([name, dtype, figure(top), f"`{top.case}`, {top.what}"])
    parts = [short(groups), table(["Backend", "dtype", "Worst error of its budget", "Where"], rows)]
    exceptions = [
        [name, text, count] for name, records in groups.items() for text, count in reasons(records)
    ]
    if exceptions:
        parts.append(table(["Backend", "Known to fail, or not offered", "Cases"], exceptions))
    return "\n\n".join(parts)


def replace_between(path, text):
    """Put `text` between the markers of a file, which must be there once."""
    before, found, rest = path.read_text("utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise SystemExit(f"{path} has no lines {BEGIN!r} and {END!r} to write between.")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    records = [record for file in parser.parse_args().files for record in read_json(file)]
    groups = by_backend(records)
    devices = " and ".join(sorted({record.device for record in records}))
    machine = (
        f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
    )
    where = f"{datetime.date.today():%-d %B %Y}, {devices}, {machine}"
    replace_between(ROOT / "README.md", short(groups))
    replace_between(ROOT / "docs" / "conformance.md", f"{where}.\n\n{long(groups)}")
    (ROOT / "docs" / "conformance.html").write_text(html.page(records), "utf-8")


if __name__ == "__main__":
    main()

"""Run the suite and say what came out: a table for people, JSON for machines."""

from __future__ import annotations

import json
from collections import Counter

from unidl.backend import get_backend, list_backends
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.engine import run_case
from unidl.conformance.judge import FLOAT64_BUDGET
from unidl.conformance.known import known_failures, unexpected


def run_suite(backends, match="", device=None, cases=None, progress=None):
    """Backend name -> records of every case whose name contains `match`; `progress(name, done, of)` is called now and then."""
    chosen = [case for case in (ALL_CASES if cases is None else cases) if match in case.name]
    results = {}
    for name in backends:
        records = results[name] = []
        for i, case in enumerate(chosen):
            records += run_case(case, name, device)
            if progress is not None and i % 50 == 0:
                progress(name, i, len(chosen))
    return results


def summary(records, known) -> dict:
    """Counts and worst figures of one backend's records."""

    def worst(choose):
        found = [r for r in records if r.passed and r.what != "unsupported" and choose(r)]
        top = max(found, key=lambda r: r.error, default=None)
        return None if top is None else {"error": top.error, "case": top.case, "what": top.what}

    failed = [r for r in records if not r.passed]
    return {
        "records": len(records),
        "cases": len({r.case for r in records}),
        "passed": len(records) - len(failed),
        "unsupported": Counter(r.message for r in records if r.what == "unsupported"),
        "known_failures": len([r for r in failed if any(k.covers(r) for k in known)]),
        "problems": unexpected(records, known),
        "worst_float64": worst(lambda r: r.budget == FLOAT64_BUDGET),
        "worst_scaled": worst(lambda r: r.dtype not in ("none",) and r.budget > FLOAT64_BUDGET),
    }


def print_table(results) -> None:
    """One row for each backend, then every problem."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Backend", "Cases", "Records", "Passed", "Known", "Problems", "Worst float64 (1e-12)", "Worst scaled (16)")
    summaries = {name: summary(records, known_failures(name)) for name, records in results.items()}
    for name, s in summaries.items():
        figures = [s["worst_float64"], s["worst_scaled"]]
        cells = [_figure(f) for f in figures]
        table.add_row(
            f"{name} {get_backend(name).version}",
            *(str(s[k]) for k in ("cases", "records", "passed", "known_failures")),
            str(len(s["problems"])),
            *cells,
        )
    console = Console()
    console.print(table)
    for name, s in summaries.items():
        for reason, count in s["unsupported"].items():
            console.print(Text(f"{name}: {count} not offered: {reason}"))
        for problem in s["problems"]:
            console.print(Text(problem), style="red")


def _figure(worst):
    from rich.text import Text

    return Text("" if worst is None else f"{worst['error']:.2g}  {worst['case']}")


def print_json(results) -> None:
    """Summaries, and the records themselves."""
    print(
        json.dumps(
            {name: summary(records, known_failures(name)) | {"all": [r.as_dict() for r in records]} for name, records in results.items()},
            indent=1,
        )
    )


def installed() -> list[str]:
    return [row.name for row in list_backends() if row.installed]

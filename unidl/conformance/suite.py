"""Run the suite: every case on every backend, in this process or in a child."""

from __future__ import annotations

from dataclasses import replace

from unidl.backend import get_backend
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.engine import DTYPES, Record, run_case
from unidl.conformance.isolated import Isolated
from unidl.conformance.known import explained, known_failures


def chosen(match="") -> list:
    """The cases whose name contains `match`."""
    return [case for case in ALL_CASES if match in case.name]


def run_suite(
    backends, match="", device=None, dtypes=DTYPES, progress=None, journal=None, isolate=False
) -> list[Record]:
    """Records of every case whose name contains `match` on every backend.

    progress: `progress(backend, case, done, of)` is called before each case.
    journal: keeps what comes, and has what an earlier run finished, which does not run again. The
        case in which that run ended runs in a child process.
    isolate: run all cases in a child process, so that a crash is the failure of one case.
    """
    cases = chosen(match)
    results = []
    for name in backends:
        records = []
        with Isolated(name, device, dtypes) as child:
            for i, case in enumerate(cases):
                if progress is not None:
                    progress(name, case.name, i, len(cases))
                key = (name, case.name)
                if journal is not None and key in journal.done:
                    records += journal.done[key]
                    continue
                if journal is not None:
                    journal.begin(*key)
                apart = isolate or (journal is not None and key == journal.unfinished)
                found = child.run(case) if apart else run_case(case, name, device, dtypes)
                if journal is not None:
                    journal.add(*key, found)
                records += found
        version = get_backend(name).version
        results += [
            replace(record, version=version) for record in explained(records, known_failures(name))
        ]
    return results


def not_run(records, backends, match, dtypes) -> list[str]:
    """What to say, for each backend, of the cases that no dtype asked for concerns."""
    texts = []
    for name in backends:
        ran = {record.case for record in records if record.backend == name}
        left = [case for case in chosen(match) if case.name not in ran]
        if left:
            texts.append(
                f"{name}: {len(left)} of {len(chosen(match))} cases did not run, since they do not "
                f"apply to {' or '.join(dtypes)}, the first: {left[0].name}"
            )
    return texts

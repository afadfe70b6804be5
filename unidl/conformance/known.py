"""Known failures: a data file in the adapter's package, with a reason on each line.

    unidl_<name>/known_failures.json: [{"case": "...", "what": "...", "dtype": "float32", "reason":
    "..."}]

`what` and `dtype` may be left out, and then hold for any; `version` is how the versions of the
framework begin for which the line holds, where another build has other kernels. A line must still
fail: one that passes is reported, so that the list never outlives its reasons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import resources

from unidl.backend import get_backend
from unidl.conformance.engine import Record, run_case

# Simulating rounding takes most of the time, and S only grows with the draws: what passes by a few
# needs no more.
FEW_DRAWS = 2


@dataclass(frozen=True)
class KnownFailure:
    case: str
    reason: str
    what: str | None = None
    dtype: str | None = None
    version: str = ""

    def covers(self, record) -> bool:
        return (
            self.case == record.case
            and self.what in (None, record.what)
            and self.dtype in (None, record.dtype)
        )


def known_failures(backend) -> list[KnownFailure]:
    """The lines of the backend's own list for its framework's version, none if its package has no
    such file."""
    backend = get_backend(backend)
    file = resources.files(type(backend).__module__.partition(".")[0]) / "known_failures.json"
    lines = (
        [KnownFailure(**line) for line in json.loads(file.read_text("utf-8"))]
        if file.is_file()
        else []
    )
    return [line for line in lines if backend.version.startswith(line.version)]


def explained(records, known) -> list[Record]:
    """The records of one backend, failures that are expected with their reasons, then one record
    for each line that fails no more."""
    rows = []
    for record in records:
        reason = next((line.reason for line in known if line.covers(record)), "")
        rows.append(record if record.passed or not reason else replace(record, known=reason))
    for line in known:
        covered = [r for r in records if line.covers(r)]
        if covered and all(r.passed for r in covered):
            text = f"passes now, so remove it from known_failures.json ({line.reason})"
            rows.append(
                replace(covered[0], what="known failure", error=0.0, passed=False, message=text)
            )
    return rows


def unexpected(records, known) -> list[str]:
    """What is wrong with `records` of one backend: failures that are not known, and known ones that
    pass."""
    return [str(record) for record in explained(records, known) if record.is_problem]


def problems(case, backend, thorough=True) -> list[str]:
    """What is wrong with `case` on `backend`, a list of lines: nothing if it is as it should be.

    `thorough` as `run_case` has it.
    """
    known = known_failures(backend)
    for draws in (FEW_DRAWS, None):
        records = run_case(case, backend, draws=draws, thorough=thorough)
        if not records:
            return [f"{case.name} did not run"]
        found = unexpected(records, known)
        if not found:
            break
    return found

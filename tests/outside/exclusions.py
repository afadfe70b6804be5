"""What an outside source asks for and unidl does not do: a data file, with a reason for every line.

    [{"reason": "...", "cases": ["a pattern", ...], "backends": ["..."]}]

Without `backends` a line holds on all. What is excluded must fail, so that the list never outlives
its reasons.
"""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Result:
    """One case on one backend: what went wrong, "" for nothing, and the worst error relative to the
    largest wanted number."""

    case: str
    backend: str
    problem: str = ""
    error: float = 0.0


@dataclass(frozen=True)
class Exclusion:
    reason: str
    cases: tuple[str, ...]
    backends: tuple[str, ...] | None = None

    def covers(self, result):
        if self.backends is not None and result.backend not in self.backends:
            return False
        return any(fnmatch.fnmatchcase(result.case, pattern) for pattern in self.cases)


def read(source):
    """The exclusions of `source`, a file in this folder."""
    lines = json.loads((HERE / f"{source}.json").read_text("utf-8"))
    return [
        Exclusion(
            line["reason"],
            tuple(line["cases"]),
            tuple(line["backends"]) if "backends" in line else None,
        )
        for line in lines
    ]


def reason_of(result, exclusions):
    """Why a case is excluded, None if it is not."""
    return next((e.reason for e in exclusions if e.covers(result)), None)


def problems(results, exclusions):
    """Cases that fail and are not excluded, and those that are excluded and pass."""
    found = []
    for result in results:
        reason = reason_of(result, exclusions)
        if result.problem and reason is None:
            found.append(f"{result.case} on {result.backend}: {result.problem}")
        elif not result.problem and reason is not None:
            found.append(
                f"{result.case} on {result.backend} passes now. Take it out of the exclusions: "
                f"{reason}"
            )
    return found


def useless(names, exclusions):
    """Patterns that are no case at all."""
    return [p for e in exclusions for p in e.cases if not fnmatch.filter(names, p)]

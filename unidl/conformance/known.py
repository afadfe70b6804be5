"""Known failures: a data file in the adapter's package, with a reason on each line.

    unidl_<name>/known_failures.json: [{"case": "...", "what": "...", "dtype": "float32", "reason": "..."}]

`what` and `dtype` may be left out, and then hold for any. A line must still fail: one that passes is reported, so that the
list never outlives its reasons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

from unidl.backend import get_backend


@dataclass(frozen=True)
class KnownFailure:
    case: str
    reason: str
    what: str | None = None
    dtype: str | None = None

    def covers(self, record) -> bool:
        return self.case == record.case and self.what in (None, record.what) and self.dtype in (None, record.dtype)


def known_failures(backend) -> list[KnownFailure]:
    """The lines of the backend's own list, none if its package has no such file."""
    package = type(get_backend(backend)).__module__.partition(".")[0]
    file = resources.files(package) / "known_failures.json"
    return [KnownFailure(**line) for line in json.loads(file.read_text("utf-8"))] if file.is_file() else []


def unexpected(records, known) -> list[str]:
    """What is wrong with `records` of one backend: failures that are not known, and known ones that pass."""
    problems = [str(r) for r in records if not r.passed and not any(k.covers(r) for k in known)]
    for line in known:
        covered = [r for r in records if line.covers(r)]
        if covered and all(r.passed for r in covered):
            problems.append(f"{line.case}: passes now, so remove it from known_failures.json ({line.reason})")
    return problems

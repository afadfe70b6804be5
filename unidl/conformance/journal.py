"""Journal: the records of a run as they come, so that a crash of the framework loses none of them.

A text file of JSON lines beside the final one. The first line holds the settings of the run; before
each case comes {"running": [backend, case]}, after it {"done": [backend, case], "records": [...]}.
So the last line of a run that died names the case in which it did.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from unidl.conformance.engine import Record


class JournalError(Exception):
    """There is nothing to go on from, or it belongs to another run."""


class Journal:
    """The file at `path` of a run with these `settings` (names to JSON values).

    done: (backend, case) -> its records, of those that an earlier run finished.
    unfinished: (backend, case) in which the earlier run ended, or None.

    With `resume` the file must be there and hold the same settings, else JournalError.
    """

    def __init__(self, path, settings, resume=False):
        self.path = Path(path)
        self.done: dict[tuple[str, str], list[Record]] = {}
        self.unfinished: tuple[str, str] | None = None
        if resume:
            whole = self._read(settings)
            self.path.write_text("".join(whole), "utf-8")
        else:
            self.path.write_text(json.dumps({"settings": settings}) + "\n", "utf-8")
        self._file = self.path.open("a", encoding="utf-8")

    def _read(self, settings):
        if not self.path.is_file():
            raise JournalError(
                f"There is no {self.path} to continue from. Run without --resume to start one."
            )
        lines = self.path.read_text("utf-8").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines.pop()  # cut off in the middle of writing it
        rows = [json.loads(line) for line in lines]
        found = rows[0].get("settings") if rows else None
        if found != settings:
            raise JournalError(
                f"{self.path} belongs to a run with other settings: {found}, but now they are "
                f"{settings}. Use the same settings, or run without --resume to start again."
            )
        for row in rows[1:]:
            if "running" in row:
                self.unfinished = tuple(row["running"])
            else:
                self.done[tuple(row["done"])] = [from_row(r) for r in row["records"]]
                self.unfinished = None
        return lines

    def begin(self, backend, case) -> None:
        """`case` starts to run on `backend`."""
        self._write({"running": [backend, case]})

    def add(self, backend, case, records) -> None:
        """`case` has run on `backend`."""
        self._write({"done": [backend, case], "records": [to_row(r) for r in records]})

    def _write(self, row):
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def remove(self) -> None:
        """The run is over and its records are written elsewhere."""
        self.close()
        self.path.unlink()


def to_row(record) -> dict:
    """A record for JSON: an error without a figure (another shape, an exception) is null."""
    error = record.error if math.isfinite(record.error) else None
    return record.as_dict() | {"error": error}


def from_row(row) -> Record:
    """What `to_row` was given."""
    return Record(**row | {"error": math.inf if row["error"] is None else row["error"]})

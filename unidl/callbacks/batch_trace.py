"""BatchTrace: the trace of some training batches, by the profiler of the framework."""

from __future__ import annotations

import os
import time
import warnings
from contextlib import ExitStack
from typing import Any

from unidl.backend.errors import UnsupportedError


def batches_of(profile_batch: Any) -> tuple[int, int] | None:
    """(first, last) of the batches that `profile_batch` asks for, counted from 1; None: none."""
    given = profile_batch
    if isinstance(given, str):
        given = [int(part) if part.strip().isdecimal() else part for part in given.split(",")]
        given = given[0] if len(given) == 1 else given
    pair = given if isinstance(given, tuple | list) else (given, given)
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in pair)
    if whole and tuple(pair) in ((0, 0), (0,)):
        return None
    if whole and len(pair) == 2 and 1 <= pair[0] <= pair[1]:
        return pair[0], pair[1]
    raise ValueError(
        f"TensorBoard: profile_batch={profile_batch!r} must be 0, the number of a batch, counted "
        "from 1, or a pair (first, last) of them. Write profile_batch=(10, 20)."
    )


class BatchTrace:
    """Traces the batches from `first` to `last` of a fit, once, into a new folder
    `log_dir`/plugins/profile/<time>/, where TensorBoard looks for it."""

    def __init__(self, log_dir: str, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._log_dir = log_dir
        self._running: ExitStack | None = None
        self._is_done = False

    def prepare(self, backend: Any) -> None:
        """Before a fit on `backend`."""
        if not backend.profiles:
            raise UnsupportedError(
                f"TensorBoard: profile_batch={(self.first, self.last)} asks for a trace, and "
                f"the backend '{backend.name}' has no profiler of its own. Leave profile_batch out "
                "and give fit callbacks.Profiler(), which measures layers and phases on any "
                "backend."
            )
        self._backend, self._is_done = backend, False

    def before(self, batch: int) -> None:
        """Batches up to number `batch` are run next, at once."""
        if self._is_done or self._running is not None or batch < self.first:
            return
        self._backend.synchronize()  # what was asked for before is not in the trace
        with ExitStack() as stack:
            stack.enter_context(self._backend.profile(_new_folder(self._log_dir)))
            stack.callback(self._backend.synchronize)
            self._running = stack.pop_all()

    def after(self, batch: int) -> None:
        """Batch `batch` was run."""
        if batch >= self.last:
            self.stop()

    def stop(self) -> None:
        """Write what there is, if a trace runs."""
        running, self._running = self._running, None
        if running is not None:
            self._is_done = True
            running.close()

    def end(self, batches: int) -> None:
        """The fit ended after so many batches."""
        self.stop()
        if not self._is_done:
            warnings.warn(
                f"TensorBoard: no trace was written: profile_batch begins at batch {self.first}, "
                f"and training ended after {batches}.",
                stacklevel=2,
            )


def _new_folder(log_dir: str) -> str:
    """A folder named after the time; a second one of the same second gets a number."""
    name = os.path.join(log_dir, "plugins", "profile", time.strftime("%Y_%m_%d_%H_%M_%S"))
    number, path = 1, name
    while True:
        try:
            os.makedirs(path)
            return path
        except FileExistsError:
            number += 1
            path = f"{name}_{number}"

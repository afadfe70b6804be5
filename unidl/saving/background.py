"""Files that are written while training goes on."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable


class BackgroundWriter:
    """Does one piece of work after the other in a thread, at most one at a time, so that no more
    than one copy of a state waits in memory.

    What the work needs was copied before: it looks at nothing that a step changes. The interpreter
    waits for the thread when it ends, and a process that is killed leaves what a killed writer
    leaves: the file before.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin with `work` when the work before has ended, whose error is raised here."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(work,), name="unidl-writer")
        self._thread.start()

    def wait(self) -> None:
        """Until the last work has ended; its error is raised, once."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def wait_and_warn(self) -> None:
        """As `wait`, where another error is on its way: that of the work becomes a warning."""
        try:
            self.wait()
        except Exception as error:  # noqa: BLE001 - whichever it is, it is told
            warnings.warn(f"The last file could not be written: {error}", stacklevel=2)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by `wait`
            self._error = error

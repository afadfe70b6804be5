"""Which thread trains a model: one at a time."""

from __future__ import annotations

import threading

from unidl.utils import turns

# Held while a lock is looked for, made, taken or given back.
making = threading.Lock()


class OneThread:
    """A lock that the thread which holds it may take again, and so may one that makes batches for
    it, whose turn it is while the other waits."""

    def __init__(self) -> None:
        self._owner: int | None = None
        self._depth = 0

    def acquire(self) -> bool:
        """Whether it was to be had."""
        thread = turns.on_behalf_of()
        with making:
            if self._owner not in (None, thread):
                return False
            self._owner = thread
            self._depth += 1
        return True

    def is_taken(self) -> bool:
        """Whether another thread has it."""
        with making:
            return self._owner not in (None, turns.on_behalf_of())

    def release(self) -> None:
        with making:
            self._depth -= 1
            if not self._depth:
                self._owner = None

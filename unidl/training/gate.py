"""A gate to a model's state: many threads may read it at once, or one may change it."""

from __future__ import annotations

import threading
import weakref


class _All:
    """A context that holds the gate's own lock and those of all its readers."""

    __slots__ = ("_gate", "_held")

    def __init__(self, gate):
        self._gate, self._held = gate, []

    def __enter__(self):
        self._take(self._gate._writing)
        for ref in self._gate._locks:
            lock = ref()
            if lock is not None:
                self._take(lock)

    def _take(self, lock):
        lock.acquire()
        self._held.append(lock)

    def __exit__(self, *error):
        while self._held:
            self._held.pop().release()


class Gate:
    """Each thread reads under a lock of its own, and who writes takes them all.

    So readers do not wait for each other, and nothing is counted that an interrupt could leave
    wrong. A thread that writes may read.
    """

    def __init__(self):
        self._writing = threading.RLock()
        self._own = threading.local()
        self._locks: list[weakref.ref] = []

    def reading(self):
        """A context in which nobody writes."""
        lock = getattr(self._own, "lock", None)
        if lock is None:
            with self._writing:
                lock = self._own.lock = threading.RLock()
                # The locks of threads that are gone are gone with them.
                self._locks = [ref for ref in self._locks if ref() is not None]
                self._locks.append(weakref.ref(lock))
        return lock

    def writing(self):
        """A context in which nobody else reads or writes."""
        # A thread that has not read yet asks for `_writing` before it does.
        return _All(self) if self._locks else self._writing

    def __reduce__(self):
        return Gate, ()  # a copy of a model has a gate of its own

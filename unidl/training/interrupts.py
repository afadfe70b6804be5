"""Ctrl-C between two steps, never in the middle of one.

A step assigns many Variables. An interrupt between two of them would leave a state that no run has
ever had. So inside `interruptible()` Python's handlers of signals wait while a `whole_step` runs,
and are called when it is over. A second signal does not wait: a step may hang.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2")


class _WholeStep:
    """`with whole_step:` around a step of the main thread, the only one that handles signals."""

    def __init__(self):
        self._depth = 0
        self._waiting = None
        self._handlers: dict[int, object] = {}

    def __enter__(self):
        if threading.get_ident() == threading.main_thread().ident:
            self._depth += 1

    def __exit__(self, *error):
        if threading.get_ident() != threading.main_thread().ident:
            return
        self._depth = max(self._depth - 1, 0)  # a second signal has set it to 0 already
        if self._depth == 0 and self._waiting is not None:
            (number, where), self._waiting = self._waiting, None
            self._handlers[number](number, where)

    def _handle(self, number, where):
        if self._depth and self._waiting is None:
            self._waiting = number, where
            return
        self._depth, self._waiting = 0, None
        self._handlers[number](number, where)

    def install(self):
        """Take over the handlers that are functions of Python's."""
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            handler = None if number is None else signal.getsignal(number)
            if callable(handler) and handler != self._handle:
                self._handlers[number] = handler
                signal.signal(number, self._handle)

    def uninstall(self):
        """Give them back, but for those that somebody has replaced since."""
        for number, handler in self._handlers.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)
        self._handlers = {}


whole_step = _WholeStep()


@contextmanager
def interruptible():
    """Inside, signals of the main thread wait for the end of a `whole_step`."""
    outermost = threading.current_thread() is threading.main_thread() and not whole_step._handlers
    if outermost:
        whole_step.install()
    try:
        yield
    finally:
        if outermost:
            whole_step.uninstall()

"""SIGTERM and Ctrl-C, noted when they come and obeyed between two steps."""

from __future__ import annotations

import signal
import threading
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Termination:
    """
    Attributes:
        asked: the signal that came, None if none did.
        waits: whether a step will end soon; where it is False, Ctrl-C is obeyed at once.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self.waits = True
        self._before: dict[int, Any] = {}

    def watch(self) -> None:
        """Take over the signals, which only the main thread can."""
        if threading.current_thread() is threading.main_thread() and not self._before:
            self.asked, self.waits = None, True
            self._before = {number: signal.getsignal(number) for number in _SIGNALS}
            for number in _SIGNALS:
                signal.signal(number, self._note)

    def unwatch(self) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._note:
                signal.signal(number, handler)
        self._before = {}

    def obey(self) -> None:
        """If a signal came, let it do what it would have done."""
        if self.asked is not None:
            number, self.asked = self.asked, None
            self.unwatch()
            signal.raise_signal(number)

    def _note(self, number: int, frame: Any) -> None:
        again, self.asked = self.asked is not None, number
        if again or (number == signal.SIGINT and not self.waits):
            self.obey()  # whoever asks twice does not want to wait

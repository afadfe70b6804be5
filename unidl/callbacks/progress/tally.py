"""How far an epoch, an evaluate or a predict has come, and how fast it goes."""

from __future__ import annotations

import time


class Steps:
    """The steps of one pass over batches.

    Args:
        count: how many there will be, None if nobody knows.
        guessed: `count` is that of an earlier pass, and what really comes decides.
    """

    def __init__(self, count, guessed=False):
        self.count, self.done = count, 0
        self._guessed = guessed
        self._began = time.monotonic()
        self._first = self._ended = None

    def advance(self, done):
        """`done` steps are over."""
        if self.done == 0 and done == 1:
            self._first = time.monotonic()
        self.done = done
        if self._guessed and done > self.count:
            self.count = None

    def end(self):
        if self._ended is None:
            self._ended = time.monotonic()
            if self.count is None or self._guessed:
                self.count = self.done

    @property
    def seconds_each(self):
        """Of a step so far; None before the first. A first step that came alone is left out when
        others follow: it may have compiled."""
        if not self.done:
            return None
        now = time.monotonic() if self._ended is None else self._ended
        if self._first is not None and self.done > 1:
            return (now - self._first) / (self.done - 1)
        return (now - self._began) / self.done

    @property
    def seconds_left(self):
        """None if that is not known."""
        if self.count is None or not self.done:
            return None
        return max(self.count - self.done, 0) * self.seconds_each


class Tally:
    """
    Attributes:
        head: "Epoch 3/40".
        steps: of the pass that gives it its name.
        validation: those of its validation, None before it.
        seconds: since it began.
    """

    def __init__(self, head):
        self.head = head
        self.steps = Steps(None)
        self.validation = None
        self._began = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._began

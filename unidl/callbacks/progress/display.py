"""Displays: where a tally is shown. The base shows nothing, `Lines` prints."""

from __future__ import annotations

import math

from unidl.callbacks.progress import text

# In a file: after how many seconds an epoch that is not over is told of, and how long the pauses
# get, which double.
FIRST_NEWS_S, LONGEST_PAUSE_S = 30.0, 600.0


class Display:
    """Shows nothing.

    Attributes:
        interval: seconds between two calls of `show` at least.
        at_once: show what begins too, not only after the first interval.
    """

    interval = math.inf
    at_once = False

    def begin(self):
        """Something begins, with a tally of its own."""

    def show(self, tally, logs):
        """It has come so far."""

    def finish(self, tally, logs):
        """It is over."""

    def close(self):
        """Nothing more will come, or an error interrupts it. May be called twice."""


class Lines(Display):
    """A line for each epoch; with `news` also now and then while one goes on for long."""

    def __init__(self, unit, news):
        self._unit, self._news = unit, news

    def begin(self):
        if self._news:
            self.interval = FIRST_NEWS_S

    def show(self, tally, logs):
        self.interval = min(2 * self.interval, LONGEST_PAUSE_S)
        _print(text.begun(tally) + text.running(tally, logs, self._unit))

    def finish(self, tally, logs):
        _print(text.finished(tally, logs, self._unit))


def _print(parts):
    print(text.SEPARATOR.join(parts), flush=True)

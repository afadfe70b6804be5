"""Progress: keeps the tally, and lets a display show it, but not too often."""

from __future__ import annotations

import sys
import time

from unidl.callbacks.progress.display import Display, Lines
from unidl.callbacks.progress.notebook import Notebook, in_notebook
from unidl.callbacks.progress.tally import Steps, Tally
from unidl.callbacks.progress.terminal import Terminal, takes_live_lines
from unidl.utils.interactive_logging import is_interactive_logging_enabled
from unidl.utils.rules import choice_problem


class Progress:
    """
    Args:
        verbose: "auto" and 1 for one live line (a line an epoch where the output is no terminal
            and no notebook), 2 for a line an epoch, 0 for nothing.
        unit: what a step is called.
        stays: whether `close` will be called without fail.
        look: `width` of the bar in characters, `interval` in seconds between two pictures.
    """

    def __init__(self, verbose, unit="step", stays=True, **look):
        self._display = _display(verbose, unit, stays, look)
        self._counts = {}
        self._tally = Tally("")
        self._pass = self._tally.steps
        self._logs = {}
        self._due = 0.0

    def begin(self, head=""):
        """An epoch, an evaluate or a predict called `head` begins."""
        self._tally, self._logs = Tally(head), {}
        self._display.begin()
        if not self._display.at_once:
            self._due = time.monotonic() + self._display.interval

    def begin_pass(self, count, validation=False):
        """A pass over `count` batches, None if nobody knows, begins in it."""
        steps = Steps(
            self._counts.get(validation) if count is None else count,
            guessed=count is None and validation in self._counts,
        )
        if validation:
            self._tally.validation = steps
        else:
            self._tally.steps = steps
        self._pass = steps
        self._show_if_due(None)

    def step(self, done, read_logs):
        """`done` steps of the pass are over. `read_logs()` is called if the numbers are shown;
        None: those shown so far will do."""
        self._pass.advance(done)
        self._show_if_due(read_logs)

    def _show_if_due(self, read_logs):
        if time.monotonic() < self._due:
            return
        if read_logs is not None:
            self._logs = read_logs()
        self._display.show(self._tally, self._logs)
        self._due = time.monotonic() + self._display.interval

    def end_pass(self, logs=None):
        """The pass is over; `logs` are shown from now on."""
        self._pass.end()
        self._counts[self._pass is self._tally.validation] = self._pass.done
        if logs is not None:
            self._logs = logs

    def end(self, logs):
        """What has begun is over, with these numbers."""
        self._display.finish(self._tally, logs)

    def close(self):
        """Give the output back. May be called twice, and at any moment."""
        self._display.close()


def _display(verbose, unit, stays, look):
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(choice_problem("verbose", verbose, ("auto", 0, 1, 2)))
    if not verbose or sys.stdout is None:
        return Display()
    if verbose == 2 or (verbose == "auto" and not is_interactive_logging_enabled()):
        return Lines(unit, news=False)
    if in_notebook():
        return Notebook(unit, **look)
    if takes_live_lines():
        return Terminal(unit, stays=stays, **look)
    return Lines(unit, news=True)

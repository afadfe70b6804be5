"""Notebook: one output of a cell, which is updated."""

from __future__ import annotations

import sys
import time

from unidl.callbacks.progress import text
from unidl.callbacks.progress.display import Display
from unidl.callbacks.progress.taps import Taps, behind_taps

INTERVAL_S = 0.25
# A notebook may be far away: so much text is sent at most.
CHARACTERS_PER_S = 200_000


def in_notebook():
    """Whether what is printed appears in a notebook that can update its outputs."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    # Not where somebody collects what is printed, with redirect_stdout or %%capture.
    to_cell = type(behind_taps(sys.stdout)).__module__.startswith("ipykernel")
    return to_cell and getattr(shell, "kernel", None) is not None


class Notebook(Display):
    """The finished epochs and below them the one that runs. After a print the next epoch begins a
    new output, so that all stays in order.

    Args:
        unit: what a step is called.
        width: of the bar.
        interval: seconds between two updates at least; more where the text is long.
    """

    at_once = True

    def __init__(self, unit, width=24, interval=0.0):
        self._unit, self._bar_width = unit, width
        self._least = self.interval = max(interval, INTERVAL_S)
        self._taps = Taps(self._write)
        self._finished, self._live = [], []
        self._output = None
        self._printed = False
        self._due = 0.0

    def begin(self):
        if self._printed and self._output is not None:
            self._update()
            self._finished, self._output = [], None
        self._printed = False

    def show(self, tally, logs):
        before = text.SEPARATOR.join(text.begun(tally))
        behind = text.SEPARATOR.join(text.running(tally, logs, self._unit))
        self._live = [before + _bar(tally.steps, self._bar_width) + behind]
        self._update_if_due()

    def finish(self, tally, logs):
        self._finished.append(text.SEPARATOR.join(text.finished(tally, logs, self._unit)))
        self._live = []
        self._update_if_due()

    def close(self):
        if self._finished or self._live:
            self._finished, self._live = self._finished + self._live, []
            self._update()
            self._finished, self._output = [], None
        self._taps.close()

    def _update_if_due(self):
        if time.monotonic() >= self._due:
            self._update()

    def _update(self):
        from IPython.display import display

        whole = "\n".join(self._finished + self._live)
        content = {"text/plain": whole}
        if self._output is None:
            self._output = display(content, raw=True, display_id=True)
            self._taps.open("stdout", "stderr")
        else:
            self._output.update(content, raw=True)
        self.interval = max(self._least, len(whole) / CHARACTERS_PER_S)
        self._due = time.monotonic() + self.interval

    def _write(self, stream, text):
        if text:
            self._printed = True
            if self._output is None:
                self._update()  # before what is printed, and to be filled
        stream.write(text)


def _bar(steps, width):
    if not steps.count or not width:
        return text.SEPARATOR
    full = int(width * min(steps.done / steps.count, 1.0))
    return f" {'━' * full}{'─' * (width - full)} "

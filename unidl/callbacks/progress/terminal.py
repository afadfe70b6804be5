"""Terminal: one live line, above it a plain line for each finished epoch."""

from __future__ import annotations

import sys

from unidl.callbacks.progress import text
from unidl.callbacks.progress.display import Display
from unidl.callbacks.progress.screen import screen
from unidl.callbacks.progress.taps import behind_taps

# The live line shows new numbers at most ten times a second.
REFRESH_S = 0.1
# What a line begins with that goes on with the one above.
INDENT = "    "


def takes_live_lines():
    """Whether the output is a terminal on which lines can be replaced."""
    isatty = getattr(sys.stdout, "isatty", None)
    if isatty is None or not isatty():
        return False
    from rich.console import Console

    console = Console(file=behind_taps(sys.stdout))
    return console.is_terminal and not (console.is_dumb_terminal or console.legacy_windows)


class Terminal(Display):
    """
    Args:
        unit: what a step is called.
        width: of the bar, which is halved and then left out where it does not fit. Numbers are
            never left out: they go on in another line.
        interval: seconds between two pictures.
        stays: False for the live line of somebody who may forget to close it. It goes when others
            print, until the next picture.
    """

    at_once = True

    def __init__(self, unit, width=24, interval=REFRESH_S, stays=True):
        self._unit, self._bar_width, self.interval = unit, width, interval
        self.stays = stays

    def show(self, tally, logs):
        console = screen.ready()
        before, behind = text.begun(tally), text.running(tally, logs, self._unit)
        # The last column stays free: terminals differ in where the cursor is behind it.
        width = console.width - 1
        whole = text.SEPARATOR.join(before) + "  " + text.SEPARATOR.join(behind)
        room = width - _cells(whole)
        bar = next((w for w in (self._bar_width, self._bar_width // 2) if 0 < w <= room), 0)
        if bar and tally.steps.count:
            drawn = _bar(console, tally.steps.done / tally.steps.count, bar)
            lines = [f"{text.SEPARATOR.join(before)} {drawn} {text.SEPARATOR.join(behind)}"]
        else:
            lines = wrapped(before + behind, width)
        screen.show(self, lines)

    def finish(self, tally, logs):
        width = screen.ready().width - 1
        screen.finish(self, wrapped(text.finished(tally, logs, self._unit), width))

    def close(self):
        screen.close(self)


def wrapped(parts, width):
    """Lines of at most `width` cells, broken between `parts` alone: a longer part is left to the
    terminal, which breaks it and drops nothing."""
    lines = []
    for part in parts:
        if lines and _cells(lines[-1] + text.SEPARATOR + part) <= width:
            lines[-1] += text.SEPARATOR + part
        else:
            lines.append(INDENT * bool(lines) + part)
    return lines


def _bar(console, share, width):
    from rich.progress_bar import ProgressBar

    with console.capture() as captured:
        console.print(ProgressBar(total=1.0, completed=min(share, 1.0), width=width), end="")
    return captured.get()


def _cells(line):
    from rich.cells import cell_len

    return cell_len(line)

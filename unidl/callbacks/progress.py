"""The progress display: a bar, a line an epoch, or nothing."""

from __future__ import annotations

import sys

from unidl.utils.rules import choice_problem


def make_progress(verbose, params, **look):
    """The display for a value of `verbose`: "auto" and 1 a bar (lines where the output is no
    terminal), 2 lines, 0 nothing.

    `look`: arguments of `Bar`.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(choice_problem("verbose", verbose, ("auto", 0, 1, 2)))
    if not verbose:
        return Silent()
    if verbose == 2 or not sys.stdout.isatty():
        return Lines(params)
    return Bar(params, **look)


class Silent:
    """Shows nothing."""

    shows_batches = False

    def begin_epoch(self, epoch):
        pass

    def begin_pass(self, count):
        pass

    def batch(self, done, logs):
        pass

    def end_epoch(self, logs):
        pass

    def close(self):
        pass


class Lines(Silent):
    """A line for each epoch."""

    def __init__(self, params):
        self._epochs = params.get("epochs")
        self._head = ""

    def begin_epoch(self, epoch):
        self._head = f"Epoch {epoch + 1}/{self._epochs} - "

    def end_epoch(self, logs):
        if logs:
            print(self._head + format_logs(logs), flush=True)


class Bar(Silent):
    """A bar that moves with the batches, one for each epoch."""

    shows_batches = True

    def __init__(self, params, width=24, interval=0.1, unit=""):
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._epochs = params.get("epochs")
        self._text = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=width),
            MofNCompleteColumn(),
            *([TextColumn(unit)] if unit else []),
            TimeElapsedColumn(),
            TextColumn("{task.fields[logs]}"),
            refresh_per_second=1 / max(interval, 0.02),
        )
        self._task = None
        self._count = None

    def begin_epoch(self, epoch):
        self._text = f"Epoch {epoch + 1}/{self._epochs}"

    def begin_pass(self, count):
        self._bar.start()
        self._count = count
        self._task = self._bar.add_task(self._text, total=count, logs="")

    def batch(self, done, logs):
        self._bar.update(self._task, completed=done, logs=format_logs(logs))

    def end_epoch(self, logs):
        if self._task is not None:
            done = self._count if self._count is not None else self._bar.tasks[self._task].completed
            self._bar.update(self._task, completed=done, total=done, logs=format_logs(logs))

    def close(self):
        self._bar.stop()


def format_logs(logs):
    """ "accuracy: 0.9812 - loss: 0.0602"."""
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) > 1e-3 else f"{name}: {value:.4e}"
        for name, value in logs.items()
        if isinstance(value, int | float)
    )

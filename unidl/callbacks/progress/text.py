"""A tally and its numbers in words, in Keras' manner."""

from __future__ import annotations

import numbers

import numpy as np

SEPARATOR = " - "


def finished(tally, logs, unit):
    """["Epoch 3/40", "563/563", "3s", "5ms/step", "loss: 0.3000"]."""
    return [
        *_head(tally),
        count(tally.steps),
        f"{tally.seconds:.0f}s",
        *_pace(tally.steps, unit),
        *metrics(logs),
    ]


def begun(tally):
    """["Epoch 3/40", "437/563"]: what stands before the bar."""
    return [*_head(tally), count(tally.steps)]


def running(tally, logs, unit):
    """["ETA 3s", "5ms/step", "loss: 0.3000"]: what stands behind the bar. A validation has the
    time's place, and seconds so far are told where nobody knows how many are left."""
    left = tally.steps.seconds_left
    if tally.validation is not None:
        place = f"validation {count(tally.validation)}"
    elif left is None:
        place = f"{tally.seconds:.0f}s"
    else:
        place = f"ETA {duration(left)}"
    return [place, *_pace(tally.steps, unit), *metrics(logs)]


def count(steps):
    """ " 37/563"."""
    if steps.count is None:
        return f"{steps.done}/?"
    return f"{steps.done:>{len(str(steps.count))}}/{steps.count}"


def duration(seconds):
    """ "7s", "1:07", "1:01:07"."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def metrics(logs):
    """["accuracy: 0.9812", "loss: 6.0200e-04"]; what is no number is left out."""
    return [f"{name}: {_number(float(value))}" for name, value in logs.items() if _is_real(value)]


def _head(tally):
    return [tally.head] if tally.head else []


def _pace(steps, unit):
    seconds = steps.seconds_each
    if seconds is None:
        return []
    if seconds >= 1:
        return [f"{seconds:.0f}s/{unit}"]
    if seconds >= 1e-3:
        return [f"{seconds * 1e3:.0f}ms/{unit}"]
    return [f"{seconds * 1e6:.0f}us/{unit}"]


def _is_real(value):
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "fiu"
    return isinstance(value, numbers.Real)


def _number(value):
    return f"{value:.4f}" if abs(value) >= 1e-3 else f"{value:.4e}"

"""Watching one value: what EarlyStopping, ModelCheckpoint and ReduceLROnPlateau have in common."""

from __future__ import annotations

import math
import warnings
from typing import ClassVar

from unidl.callbacks.callback import Callback
from unidl.utils.rules import NUMBER, TEXT, one_of
from unidl.utils.suggestions import did_you_mean

_LARGER_IS_BETTER = ("acc", "accuracy", "auc", "precision", "recall", "f1", "iou", "r2")


class Monitor(Callback):
    """Knows whether a logged value got better.

    Args:
        monitor: name in the logs, e.g. "val_loss".
        mode: "min", "max", or "auto": accuracy-like names should increase, others decrease.
        min_delta: smaller changes do not count as improvements.
    """

    _rules: ClassVar = {
        "monitor": TEXT,
        "mode": one_of(("auto", "min", "max")),
        "min_delta": NUMBER,
    }

    def __init__(self, monitor, mode="auto", min_delta=0.0):
        super().__init__()
        self.monitor, self.min_delta = monitor, abs(min_delta)
        last = monitor.removeprefix("val_")
        grows = mode == "max" or (
            mode == "auto" and any(last == n or last.endswith(f"_{n}") for n in _LARGER_IS_BETTER)
        )
        self._sign = -1.0 if grows else 1.0
        self.best = None

    def _essentials(self):
        return {"monitor": self.monitor}

    def read(self, logs):
        """The monitored value; None with a warning that lists what there is if it may come later.

        An error if the name cannot be meant: nothing of it is in the logs, neither of training nor,
        before "val_", of validation.
        """
        value = (logs or {}).get(self.monitor)
        if value is None:
            if logs and self.monitor.removeprefix("val_") not in logs:
                raise ValueError(
                    f"{type(self).__name__}: there is no {self.monitor!r} in the "
                    f"logs.{did_you_mean(self.monitor, logs)} Available: {', '.join(logs)}. A "
                    "callback that adds it must come before this one."
                )
            warnings.warn(
                f"{type(self).__name__}: there is no {self.monitor!r} in the logs; available: "
                f"{', '.join(logs or {})}.",
                stacklevel=2,
            )
        return value

    def improved(self, value):
        """Whether `value` beats the best so far: the first value does, and any number beats NaN."""
        if self.best is None or math.isnan(self.best):
            return self.best is None or not math.isnan(value)
        return self._sign * (self.best - value) > self.min_delta

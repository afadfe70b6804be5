"""LearningRateFinder."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from unidl.callbacks.callback import Callback
from unidl.training.kept_state import KeptState
from unidl.utils.rules import BELOW_ONE, COUNT, POSITIVE


class LearningRateFinder(Callback):
    """The range test of Smith (2015, "Cyclical learning rates for training neural networks"): the
    rate grows with each batch, and the loss shows the range in which it is useful.

    Use it as the only callback of a separate `fit`; weights, optimizer and random numbers are
    restored when that ends. The loss is read after each batch.

        finder = LearningRateFinder()
        model.fit(x, y, epochs=5, callbacks=[finder], verbose=0)
        model.optimizer.learning_rate = finder.suggestion

    Args:
        min_rate, max_rate: the first and the last rate; each rate is the previous one times the
            same factor.
        steps: number of batches from the first rate to the last; give `fit` enough epochs.
        smoothing: share of the previous losses in the smoothed loss.
        stop_factor: stop when the smoothed loss is this many times the best one.

    Attributes:
        rates, losses: of each batch.
        suggestion: the rate where the smoothed loss falls most steeply over log(rate).

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> finder = unidl.callbacks.LearningRateFinder(1e-4, 10.0, steps=40)
        >>> history = model.fit(x, x[:, :1], 4, epochs=10, verbose=0, callbacks=[finder])
        >>> 1e-4 < finder.suggestion < 10.0
        True
        >>> float(model.optimizer.learning_rate)  # as before
        0.01
    """

    _rules: ClassVar = {
        "min_rate": POSITIVE,
        "max_rate": POSITIVE,
        "steps": COUNT,
        "smoothing": BELOW_ONE,
        "stop_factor": POSITIVE,
    }

    def __init__(
        self,
        min_rate: float = 1e-7,
        max_rate: float = 10.0,
        steps: int = 100,
        smoothing: float = 0.9,
        stop_factor: float = 4.0,
    ) -> None:
        super().__init__()
        if min_rate >= max_rate:
            raise ValueError(
                f"LearningRateFinder: min_rate must be below max_rate, got {min_rate} and "
                f"{max_rate}."
            )
        self.min_rate, self.max_rate, self.steps = min_rate, max_rate, steps
        self.smoothing, self.stop_factor = smoothing, stop_factor
        self.rates: list[float] = []
        self.losses: list[float] = []
        self._before: KeptState | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self.rates, self.losses = [], []
        self._before = KeptState(self.model)
        self._average, self._best = 0.0, math.inf

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        share = len(self.rates) / max(1, self.steps - 1)
        rate = self.min_rate * (self.max_rate / self.min_rate) ** share
        self.model.optimizer.learning_rate = rate
        self.model.reset_metrics()  # the logs are those of this batch alone
        self.rates.append(rate)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = float(logs["loss"])
        self.losses.append(loss)
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        smooth = self._average / (1 - self.smoothing ** len(self.losses))
        self._best = min(self._best, smooth)
        grew = smooth > self.stop_factor * self._best > 0
        if len(self.rates) >= self.steps or not math.isfinite(loss) or grew:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        if self._before is not None:
            self._before.restore()
            self._before = None

    def smoothed(self) -> np.ndarray:
        """The losses (n,), smoothed, without the last if that is not finite."""
        averages, average = [], 0.0
        for count, loss in enumerate(self.losses, 1):
            average = self.smoothing * average + (1 - self.smoothing) * loss
            averages.append(average / (1 - self.smoothing**count))
        found = np.array(averages)
        return found[np.isfinite(found)]

    @property
    def suggestion(self) -> float:
        """See above.

        Raises:
            ValueError: the loss never fell, or there were too few batches to tell.
        """
        losses = self.smoothed()
        if len(losses) < 5:
            raise ValueError(
                f"LearningRateFinder: {len(losses)} batches with a finite loss are too few for a "
                "suggestion. Give fit more data or epochs, or start with a smaller min_rate."
            )
        slopes = np.gradient(losses, np.log(self.rates[: len(losses)]))
        slopes[: len(slopes) // 10] = np.inf  # averages of few losses are noise
        steepest = int(np.argmin(slopes))
        if slopes[steepest] >= 0:
            raise ValueError(
                "LearningRateFinder: the loss did not fall anywhere between the rates "
                f"{self.min_rate} and {self.rates[-1]}. Check the data and the loss, or start with "
                "a smaller min_rate."
            )
        return self.rates[steepest]

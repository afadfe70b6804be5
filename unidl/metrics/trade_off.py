"""The best of one rate where another is high enough: precision at a recall, sensitivity at a
specificity."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl import ops
from unidl.metrics.confusion import Counts
from unidl.typing import Config, DType, Tensor
from unidl.utils.rules import COUNT, SHARE

_RATES = {
    "sensitivity": ("true_positives", "false_negatives"),
    "recall": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "precision": ("true_positives", "false_positives"),
}


class _TradeOff(Counts):
    """The largest `best` over evenly spaced thresholds at which `at` is at least the given value; 0
    if none is."""

    kinds = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    best = at = ""

    def __init__(
        self, value: Any, num_thresholds: Any, class_id: Any, name: str | None, dtype: DType
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"{type(self).__name__}: {self.at} must lie in [0, 1], got {value}.")
        if num_thresholds < 1:
            raise ValueError(
                f"{type(self).__name__}: num_thresholds must be at least 1, got {num_thresholds}."
            )
        last = num_thresholds - 1
        thresholds = (
            [0.5]
            if num_thresholds == 1
            else [0.0, *((i + 1) / last for i in range(num_thresholds - 2)), 1.0]
        )
        super().__init__(thresholds, None, class_id, name, dtype)
        self.num_thresholds = num_thresholds
        setattr(self, self.at, value)

    def _rate(self, name: str) -> Any:
        hits, misses = (getattr(self, kind).value for kind in _RATES[name])
        return ops.divide_no_nan(hits, ops.add(hits, misses))

    def result(self) -> Tensor:
        enough = ops.greater_equal(self._rate(self.at), getattr(self, self.at))
        best = self._rate(self.best)
        return ops.max(ops.where(enough, best, ops.zeros_like(best)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            self.at: getattr(self, self.at),
            "class_id": self.class_id,
        }


class SensitivityAtSpecificity(_TradeOff):
    """The largest share of the positives that is found while at least `specificity` of the
    negatives is.

    Args:
        specificity: in [0, 1].
        num_thresholds: points of the curve, evenly spaced over [0, 1].
        class_id: count this class only.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.SensitivityAtSpecificity(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    best, at = "sensitivity", "specificity"

    _rules: ClassVar = {"specificity": SHARE, "num_thresholds": COUNT}

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_TradeOff):
    """The largest share of the negatives that is found while at least `sensitivity` of the
    positives is.

    Args:
        sensitivity: in [0, 1].
        num_thresholds: points of the curve, evenly spaced over [0, 1].
        class_id: count this class only.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.SpecificityAtSensitivity(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> metric.result()
        array(0.6667, dtype=float32)
    """

    best, at = "specificity", "sensitivity"

    _rules: ClassVar = {"sensitivity": SHARE, "num_thresholds": COUNT}

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_TradeOff):
    """The largest precision at a recall of at least `recall`.

    Args:
        recall: in [0, 1].
        num_thresholds: points of the curve, evenly spaced over [0, 1].
        class_id: count this class only.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.PrecisionAtRecall(0.5)
        >>> metric.update_state([0, 0, 1, 1], [0.1, 0.5, 0.3, 0.9])
        >>> metric.result()
        array(1., dtype=float32)
    """

    best, at = "precision", "recall"

    _rules: ClassVar = {"recall": SHARE, "num_thresholds": COUNT}

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_TradeOff):
    """The largest recall at a precision of at least `precision`.

    Args:
        precision: in [0, 1].
        num_thresholds: points of the curve, evenly spaced over [0, 1].
        class_id: count this class only.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.RecallAtPrecision(0.8)
        >>> metric.update_state([0, 0, 1, 1], [0.1, 0.5, 0.3, 0.9])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    best, at = "recall", "precision"

    _rules: ClassVar = {"precision": SHARE, "num_thresholds": COUNT}

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

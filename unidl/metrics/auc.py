"""Area under a curve of two rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl import ops
from unidl.losses.reduction import divide_or_zero
from unidl.losses.tensors import as_float
from unidl.metrics.confusion import Counts
from unidl.typing import Config, DType, Tensor, TensorLike
from unidl.utils.rules import COUNT, FLAG, NUMBERS, one_of, optional

_EPSILON = 1e-7


class AUC(Counts):
    """Area under the ROC curve (true over false positive rate) or the PR curve (precision over
    recall).

    Args:
        num_thresholds: points of the curve, evenly spaced over [0, 1].
        curve: "ROC" or "PR".
        summation_method: "interpolation" (trapezoids; for PR Davis & Goadrich 2006), "minoring" or
            "majoring".
        thresholds: inner points of the curve instead of `num_thresholds`.
        from_logits: y_pred holds logits, not probabilities.

    Several labels at once (`multi_label`, `num_labels`, `label_weights`) are not offered: make one
    AUC for each label.
    """

    kinds = ("true_positives", "true_negatives", "false_positives", "false_negatives")

    _rules: ClassVar = {
        "num_thresholds": COUNT,
        "curve": one_of(("ROC", "PR")),
        "summation_method": one_of(("interpolation", "minoring", "majoring")),
        "thresholds": optional(NUMBERS),
        "from_logits": FLAG,
    }

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DType | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        if multi_label or num_labels is not None or label_weights is not None:
            raise NotImplementedError(
                "AUC: multi_label is not offered. Make one AUC for each label, on its column of "
                "y_true and y_pred."
            )
        if thresholds is None and num_thresholds < 2:
            raise ValueError(
                f"AUC: a curve has at least 2 points, got num_thresholds={num_thresholds}."
            )
        inner = (
            [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
            if thresholds is None
            else sorted(thresholds)
        )
        super().__init__(inner, None, None, name, dtype, ends=(-_EPSILON, 1 + _EPSILON))
        self.num_thresholds, self.given_thresholds = len(self.thresholds), thresholds is not None
        self.curve, self.summation_method, self.from_logits = curve, summation_method, from_logits

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        if self.from_logits:
            y_pred = ops.sigmoid(as_float(self.variables[0].backend, y_pred, self.dtype))
        super().update_state(y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
        tp, tn, fp, fn = (getattr(self, kind).value for kind in self.kinds)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._interpolated_precision(tp, fp, fn)
        recall = divide_or_zero(tp, ops.add(tp, fn))
        x, y = (
            (recall, divide_or_zero(tp, ops.add(tp, fp)))
            if self.curve == "PR"
            else (divide_or_zero(fp, ops.add(fp, tn)), recall)
        )
        before, after = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            height = ops.multiply(ops.add(before, after), 0.5)
        else:
            height = (ops.minimum if self.summation_method == "minoring" else ops.maximum)(
                before, after
            )
        return ops.sum(ops.multiply(ops.subtract(x[:-1], x[1:]), height))

    @staticmethod
    def _interpolated_precision(tp: Any, fp: Any, fn: Any) -> Any:
        """Between two points true positives grow linearly with all positives, so precision does
        not: its integral has a log."""
        positives = ops.add(tp, fp)
        rise, run = ops.subtract(tp[:-1], tp[1:]), ops.subtract(positives[:-1], positives[1:])
        slope = divide_or_zero(rise, ops.maximum(run, 0.0))
        intercept = ops.subtract(tp[1:], ops.multiply(slope, positives[1:]))
        both = ops.logical_and(ops.greater(positives[:-1], 0), ops.greater(positives[1:], 0))
        one = ops.ones_like(rise)
        ratio = ops.divide(
            ops.where(both, positives[:-1], one), ops.where(both, positives[1:], one)
        )
        area = ops.multiply(slope, ops.add(rise, ops.multiply(intercept, ops.log(ratio))))
        return ops.sum(divide_or_zero(area, ops.maximum(ops.add(tp[1:], fn[1:]), 0.0)))

    def get_config(self) -> Config:
        own = {
            "num_thresholds": self.num_thresholds, "curve": self.curve,
            "summation_method": self.summation_method, "multi_label": False, "num_labels": None,
            "label_weights": None, "from_logits": self.from_logits,
        }  # fmt: skip
        inner = {"thresholds": self.thresholds[1:-1]} if self.given_thresholds else {}
        return {**super().get_config(), **own, **inner}

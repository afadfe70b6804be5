"""Area under a curve of two rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from unidl import ops
from unidl.losses.tensors import as_float
from unidl.metrics.confusion import Counts
from unidl.ops.dispatch import backend_of
from unidl.typing import Config, DType, Shape, Tensor, TensorLike
from unidl.utils.rules import COUNT, FLAG, NUMBERS, one_of, optional

_EPSILON = 1e-7


class AUC(Counts):
    """Area under the ROC curve (true over false positive rate), the PR curve (precision over
    recall), or the gains of both (Flach & Kull 2015).

    Args:
        num_thresholds: points of the curve, evenly spaced over [0, 1].
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation" (trapezoids; for PR Davis & Goadrich 2006), "minoring" or
            "majoring".
        thresholds: inner points of the curve instead of `num_thresholds`.
        multi_label: targets and predictions are (n, labels); the result is the mean of the areas
            of all labels.
        num_labels: with `multi_label` how many there are; by default the first data tell.
        label_weights: one for each label: of its area in that mean, or without `multi_label` of
            each element.
        from_logits: y_pred holds logits, not probabilities.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.AUC()
        >>> metric.update_state([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> metric.result()  # 3 of the 4 pairs are in order
        array(0.75, dtype=float32)
    """

    kinds = ("true_positives", "true_negatives", "false_positives", "false_negatives")

    _rules: ClassVar = {
        "num_thresholds": COUNT,
        "curve": one_of(("ROC", "PR", "PRGAIN")),
        "summation_method": one_of(("interpolation", "minoring", "majoring")),
        "thresholds": optional(NUMBERS),
        "multi_label": FLAG,
        "num_labels": optional(COUNT),
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
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        if num_labels is not None and not multi_label:
            raise ValueError(
                "AUC: num_labels needs multi_label=True, got multi_label=False. Without it all "
                "elements count equally: leave out num_labels."
            )
        if thresholds is None and num_thresholds < 2:
            raise ValueError(
                f"AUC: a curve needs at least 2 points, got num_thresholds={num_thresholds}."
            )
        inner = (
            [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
            if thresholds is None
            else sorted(thresholds)
        )
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights = (
            None if label_weights is None else [float(w) for w in np.ravel(label_weights)]
        )
        super().__init__(inner, None, None, name, dtype, ends=(-_EPSILON, 1 + _EPSILON))
        self.num_thresholds, self.given_thresholds = len(self.thresholds), thresholds is not None
        self.curve, self.summation_method, self.from_logits = curve, summation_method, from_logits

    def _make_counts(self, shape: Any) -> None:
        if not self.multi_label:
            super()._make_counts(shape)
        elif self.num_labels is not None:
            super()._make_counts((*shape, self.num_labels))

    def build(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        labels = y_pred_shape[-1] if y_pred_shape else None
        if self.multi_label and len(y_pred_shape) != 2:
            raise ValueError(
                f"AUC {self.name!r}: with multi_label=True y_pred must be (n, labels), got the "
                f"shape {tuple(y_pred_shape)}."
            )
        for argument, wanted in (
            ("num_labels", self.num_labels),
            ("label_weights", None if self.label_weights is None else len(self.label_weights)),
        ):
            if wanted not in (None, labels):
                raise ValueError(
                    f"AUC {self.name!r}: {argument} is for {wanted} labels, but y_pred has the "
                    f"shape {tuple(y_pred_shape)}."
                )
        if self.multi_label and self.num_labels is None:
            super()._make_counts((len(self.thresholds), labels))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        if self.from_logits:
            y_pred = ops.sigmoid(as_float(backend_of([y_pred, y_true]), y_pred, self.dtype))
        super().update_state(y_true, y_pred, sample_weight)

    def _laid_out(self, values: TensorLike) -> Any:
        return ops.expand_dims(values, 0) if self.multi_label else super()._laid_out(values)

    def _weighted(self, weight: TensorLike | None, y_pred: TensorLike) -> Any:
        if self.multi_label or self.label_weights is None:
            return weight
        of_labels = ops.multiply(ops.ones_like(y_pred), self._label_weights())
        return of_labels if weight is None else ops.multiply(weight, of_labels)

    def _label_weights(self) -> Any:
        return ops.convert_to_tensor(self.label_weights, dtype=self.dtype)

    def result(self) -> Tensor:
        if not self.variables:  # no data came, and nobody said how many labels there are
            return ops.convert_to_tensor(0.0, dtype=self.dtype)
        with self.variables[0].backend.scope():
            areas = ops.sum(self._areas(), axis=0)
            if not self.multi_label:
                return areas
            if self.label_weights is None:
                return ops.mean(areas)
            weights = self._label_weights()
            return ops.divide_no_nan(ops.sum(ops.multiply(areas, weights)), ops.sum(weights))

    def _areas(self) -> Any:
        """Between each two neighbouring thresholds, (thresholds - 1,) or (thresholds - 1,
        labels)."""
        tp, tn, fp, fn = (getattr(self, kind).value for kind in self.kinds)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._interpolated_precision(tp, fp, fn)
        x, y = self._curve(tp, tn, fp, fn)
        before, after = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            height = ops.multiply(ops.add(before, after), 0.5)
        else:
            height = (ops.minimum if self.summation_method == "minoring" else ops.maximum)(
                before, after
            )
        return ops.multiply(ops.subtract(x[:-1], x[1:]), height)

    def _curve(self, tp: Any, tn: Any, fp: Any, fn: Any) -> Any:
        """(x, y) at each threshold."""
        recall = ops.divide_no_nan(tp, ops.add(tp, fn))
        if self.curve == "ROC":
            return ops.divide_no_nan(fp, ops.add(fp, tn)), recall
        if self.curve == "PR":
            return recall, ops.divide_no_nan(tp, ops.add(tp, fp))
        # What a rate gains on always saying "positive": from 0, at that, to 1, without an error.
        odds = ops.divide_no_nan(ops.add(tp, fn), ops.add(tn, fp))
        found = ops.not_equal(tp, 0)

        def gain(errors: Any, without: float) -> Any:
            value = ops.subtract(1.0, ops.multiply(odds, ops.divide_no_nan(errors, tp)))
            return ops.where(found, value, ops.multiply(ops.ones_like(value), without))

        return ops.maximum(gain(fn, 0.0), 0.0), gain(fp, 1.0)

    @staticmethod
    def _interpolated_precision(tp: Any, fp: Any, fn: Any) -> Any:
        """Between two points true positives grow linearly with all positives, so precision does
        not: its integral has a log."""
        positives = ops.add(tp, fp)
        rise, run = ops.subtract(tp[:-1], tp[1:]), ops.subtract(positives[:-1], positives[1:])
        slope = ops.divide_no_nan(rise, ops.maximum(run, 0.0))
        intercept = ops.subtract(tp[1:], ops.multiply(slope, positives[1:]))
        both = ops.logical_and(ops.greater(positives[:-1], 0), ops.greater(positives[1:], 0))
        one = ops.ones_like(rise)
        ratio = ops.divide(
            ops.where(both, positives[:-1], one), ops.where(both, positives[1:], one)
        )
        area = ops.multiply(slope, ops.add(rise, ops.multiply(intercept, ops.log(ratio))))
        return ops.divide_no_nan(area, ops.maximum(ops.add(tp[1:], fn[1:]), 0.0))

    def get_config(self) -> Config:
        own = {
            "num_thresholds": self.num_thresholds, "curve": self.curve,
            "summation_method": self.summation_method, "multi_label": self.multi_label,
            "num_labels": self.num_labels, "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }  # fmt: skip
        inner = {"thresholds": self.thresholds[1:-1]} if self.given_thresholds else {}
        return {**super().get_config(), **own, **inner}

"""Counts of right and wrong positives and negatives at thresholds, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from unidl import ops
from unidl.losses.reduction import expand_to_rank
from unidl.losses.tensors import as_float, check_equal_shapes, match_rank
from unidl.metrics.metric import Metric, add_to
from unidl.ops.dispatch import backend_of
from unidl.typing import Config, DType, Tensor, TensorLike
from unidl.utils.rules import COUNT, FROM_ZERO, ONE_OR_MORE_NUMBERS, optional

# Below every score: with `top_k` all scores among the k count as positive.
_LOWEST = -1e10

# What is counted: (target, prediction).
_KINDS = {
    "true_positives": (True, True),
    "false_positives": (False, True),
    "true_negatives": (False, False),
    "false_negatives": (True, False),
}


class Counts(Metric):
    """Sums of weights at each threshold, a prediction being positive where it is greater.

    y_true and y_pred have one shape, targets 0 or 1; the metric counts all elements, or those of
    the class `class_id`.
    """

    kinds: tuple[str, ...] = ()

    _rules: ClassVar = {
        "thresholds": optional(ONE_OR_MORE_NUMBERS),
        "top_k": optional(COUNT),
        "class_id": optional(FROM_ZERO),
    }

    def __init__(
        self,
        thresholds: float | Sequence[float] | None,
        top_k: int | None,
        class_id: int | None,
        name: str | None,
        dtype: DType | None,
        ends: Any = (),
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        given: Any = (0.5 if top_k is None else _LOWEST) if thresholds is None else thresholds
        self.thresholds = list(given) if isinstance(given, list | tuple | np.ndarray) else [given]
        wrong = (
            []
            if thresholds is None
            else [t for t in self.thresholds if t is None or not 0 <= t <= 1]
        )
        if wrong:
            raise ValueError(
                f"{type(self).__name__}: thresholds must lie in [0, 1], got {wrong[0]}."
            )
        if ends:  # points beyond both sides of [0, 1], where all are positive or none
            self.thresholds = [ends[0], *self.thresholds, ends[1]]
        self._make_counts((len(self.thresholds),))

    def _make_counts(self, shape: Any) -> None:
        for kind in self.kinds:
            setattr(self, kind, self.add_variable(shape, name=kind))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        backend = backend_of([y_pred, y_true])
        with backend.scope():
            self.build_for(ops.shape(y_true), ops.shape(y_pred))
            y_true, y_pred = match_rank(
                as_float(backend, y_true, self.dtype), as_float(backend, y_pred, self.dtype)
            )
            check_equal_shapes(self.name, y_true, y_pred)
            y_true, y_pred = self._chosen(y_true, backend.stop_gradient(y_pred))
            weight = None
            if sample_weight is not None:
                weight = expand_to_rank(
                    as_float(backend, sample_weight, self.dtype), len(y_pred.shape)
                )
                weight = ops.add(weight, ops.zeros_like(y_pred))
            weight = self._weighted(weight, y_pred)
            weight = None if weight is None else self._laid_out(weight)
            target, scores = ops.cast(self._laid_out(y_true), "bool"), self._laid_out(y_pred)
            limits = backend.asarray(self.thresholds, self.dtype)
            limits = ops.reshape(limits, (-1, *(1,) * (len(scores.shape) - 1)))
            positive = ops.greater(scores, limits)
            for kind in self.kinds:
                is_target, is_positive = _KINDS[kind]
                hit = ops.logical_and(_flag(target, is_target), _flag(positive, is_positive))
                hit = ops.cast(hit, self.dtype)
                add_to(
                    getattr(self, kind),
                    ops.sum(hit if weight is None else ops.multiply(hit, weight), axis=1),
                )

    def _laid_out(self, values: TensorLike) -> Any:
        """Values (n, ...) as (1, what is summed over, what is counted apart)."""
        return ops.reshape(values, (1, -1))

    def _weighted(self, weight: TensorLike | None, y_pred: TensorLike) -> Any:
        """The weight of each element, in the shape of `y_pred`; None for 1."""
        return weight

    def _chosen(self, y_true: TensorLike, y_pred: TensorLike) -> Any:
        if self.top_k is not None:
            kth = ops.top_k(y_pred, self.top_k)[0][..., -1:]
            y_pred = ops.where(
                ops.greater_equal(y_pred, kth), y_pred, ops.full_like(y_pred, _LOWEST)
            )
        if self.class_id is None:
            return y_true, y_pred
        if len(y_pred.shape) < 2:
            raise ValueError(
                f"{self.name}: class_id needs scores of the shape (n, classes), got "
                f"{tuple(y_pred.shape)}."
            )
        return y_true[..., self.class_id : self.class_id + 1], y_pred[
            ..., self.class_id : self.class_id + 1
        ]

    def _single(self, values: TensorLike) -> Any:
        return values[0] if len(self.thresholds) == 1 else values


def _flag(flags: Any, wanted: Any) -> Any:
    return flags if wanted else ops.logical_not(flags)


class _Count(Counts):
    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: DType | None = None
    ) -> None:
        super().__init__(thresholds, None, None, name, dtype)

    def result(self) -> Tensor:
        return self._single(getattr(self, self.kinds[0]).value)

    def get_config(self) -> Config:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many (or with what weight) are 1 and predicted so.

    Args:
        thresholds: scores above are predicted 1; a number, or a list of them for a list of results;
            0.5 by default.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.TruePositives()
        >>> metric.update_state([1, 1, 0, 0], [0.9, 0.2, 0.7, 0.1], sample_weight=[3, 1, 1, 1])
        >>> float(metric.result())
        3.0
    """

    kinds = ("true_positives",)


class FalsePositives(_Count):
    """How many are 0 and predicted 1.

    Args:
        thresholds: scores above are predicted 1; a number, or a list of them for a list of results;
            0.5 by default.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.FalsePositives(thresholds=[0.5, 0.05])
        >>> metric.update_state([1, 1, 0, 0], [0.9, 0.2, 0.7, 0.1])
        >>> metric.result()
        array([1., 2.], dtype=float32)
    """

    kinds = ("false_positives",)


class TrueNegatives(_Count):
    """How many are 0 and predicted so.

    Args:
        thresholds: scores above are predicted 1; a number, or a list of them for a list of results;
            0.5 by default.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.TrueNegatives()
        >>> metric.update_state([1, 1, 0, 0], [0.9, 0.2, 0.7, 0.1])
        >>> float(metric.result())
        1.0
    """

    kinds = ("true_negatives",)


class FalseNegatives(_Count):
    """How many are 1 and predicted 0.

    Args:
        thresholds: scores above are predicted 1; a number, or a list of them for a list of results;
            0.5 by default.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.FalseNegatives()
        >>> metric.update_state([1, 1, 0, 0], [0.9, 0.2, 0.7, 0.1])
        >>> float(metric.result())
        1.0
    """

    kinds = ("false_negatives",)


class _Ratio(Counts):
    def __init__(
        self,
        thresholds: Any = None,
        top_k: Any = None,
        class_id: Any = None,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)

    def result(self) -> Tensor:
        right, wrong = (getattr(self, kind).value for kind in self.kinds)
        return self._single(ops.divide_no_nan(right, ops.add(right, wrong)))

    def get_config(self) -> Config:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Ratio):
    """The share of what is 1 among what is predicted 1.

    Args:
        thresholds: a number, or a list of them for a list of results; by default 0.5, or none with
            `top_k`.
        top_k: only the k highest scores of each row can be positive.
        class_id: count this class only.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.Precision()
        >>> metric.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2])
        >>> round(float(metric.result()), 4)  # 2 of the 3 above 0.5 are right
        0.6667
    """

    kinds = ("true_positives", "false_positives")


class Recall(_Ratio):
    """The share of what is predicted 1 among what is 1.

    Args:
        thresholds: a number, or a list of them for a list of results; by default 0.5, or none with
            `top_k`.
        top_k: only the k highest scores of each row can be positive.
        class_id: count this class only.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.Recall()
        >>> metric.update_state([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2])
        >>> round(float(metric.result()), 4)  # 2 of the 3 that are there are found
        0.6667
    """

    kinds = ("true_positives", "false_negatives")

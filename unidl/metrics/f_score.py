"""F scores."""

from __future__ import annotations

from typing import ClassVar

from unidl import config, ops
from unidl.losses.tensors import as_float
from unidl.metrics.metric import Metric, add_to
from unidl.ops.dispatch import backend_of
from unidl.typing import Config, DType, Shape, Tensor, TensorLike
from unidl.utils.rules import POSITIVE, SHARE, one_of, optional

_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """(1 + beta**2) * precision * recall / (beta**2 * precision + recall), for targets and scores
    (n, classes).

    Args:
        average: None for a score of each class, "micro" counts all classes together, "macro" is the
            mean of the classes' scores, "weighted" that mean weighted by the classes' targets.
        beta: how many times recall counts as much as precision; above 0.
        threshold: scores above it are positive; None: the largest score of each row is.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.FBetaScore(beta=2.0, threshold=0.5)
        >>> metric.update_state([[1, 0], [1, 1]], [[0.9, 0.2], [0.1, 0.8]])
        >>> metric.result()  # one for each class
        array([0.5556, 1.    ], dtype=float32)
    """

    _rules: ClassVar = {
        "average": one_of(_AVERAGES),
        "beta": POSITIVE,
        "threshold": optional(SHARE),
    }

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.average, self.beta, self.threshold = average, beta, threshold

    def build(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        if len(y_true_shape) != 2 or len(y_pred_shape) != 2:
            raise ValueError(
                f"{self.name}: targets and scores must have shape (n, classes), got "
                f"{tuple(y_true_shape)} and {tuple(y_pred_shape)}. Convert class numbers with "
                "to_categorical(y)."
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        for kind in (
            "true_positives",
            "false_positives",
            "false_negatives",
            "intermediate_weights",
        ):
            setattr(self, kind, self.add_variable(shape, name=kind))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        backend = backend_of([y_pred, y_true])
        with backend.scope():
            self.build_for(ops.shape(y_true), ops.shape(y_pred))
            y_true, y_pred = (
                backend.stop_gradient(as_float(backend, y, self.dtype)) for y in (y_true, y_pred)
            )
            if self.threshold is None:
                largest = ops.equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
                positive = ops.logical_and(
                    largest, ops.greater(ops.abs(y_pred), 1e-9)
                )  # a row of zeros says nothing
            else:
                positive = ops.greater(y_pred, self.threshold)
            positive = ops.cast(positive, self.dtype)
            weight = (
                None
                if sample_weight is None
                else ops.expand_dims(as_float(backend, sample_weight, self.dtype), 1)
            )
            sums = {
                "true_positives": positive * y_true,
                "false_positives": positive * (1 - y_true),
                "false_negatives": (1 - positive) * y_true,
                "intermediate_weights": y_true,
            }
            for kind, values in sums.items():
                values = values if weight is None else values * weight
                add_to(
                    getattr(self, kind),
                    ops.sum(values, axis=None if self.average == "micro" else 0),
                )

    def result(self) -> Tensor:
        tiny = config.epsilon()
        right, wrong, missed, weights = (v.value for v in self._own_variables)
        precision, recall = right / (right + wrong + tiny), right / (right + missed + tiny)
        score = precision * recall / (self.beta**2 * precision + recall + tiny) * (1 + self.beta**2)
        if self.average == "weighted":
            return ops.sum(score * (weights / (ops.sum(weights) + tiny)))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """`FBetaScore` with beta = 1: the harmonic mean of precision and recall.

    Args:
        average: None for a score of each class, "micro" counts all classes together, "macro" is the
            mean of the classes' scores, "weighted" that mean weighted by the classes' targets.
        threshold: scores above it are positive; None: the largest score of each row is.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.F1Score(average="macro", threshold=0.5)
        >>> metric.update_state([[1, 0], [1, 1]], [[0.9, 0.2], [0.1, 0.8]])
        >>> metric.result()
        array(0.8333, dtype=float32)
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> Config:
        return {key: value for key, value in super().get_config().items() if key != "beta"}

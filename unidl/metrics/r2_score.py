"""The coefficient of determination."""

from __future__ import annotations

from typing import ClassVar

from unidl import ops
from unidl.backend.variable import Variable
from unidl.losses.tensors import as_float, match_rank
from unidl.metrics.metric import Metric, add_to
from unidl.typing import Config, DType, Shape, Tensor, TensorLike
from unidl.utils.rules import FROM_ZERO, one_of

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - (sum of squared errors) / (sum of squared distances from the mean), for each column of
    (n, outputs).

    Args:
        class_aggregation: None for the columns' scores, "uniform_average" for their mean,
            "variance_weighted_average" for the mean weighted by the columns' spread.
        num_regressors: p independent variables; not 0, the result is adjusted: 1 - (1 - R2) (n - 1)
            / (n - p - 1), where n counts all elements of the targets. Without as many elements it
            stays as it is.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.R2Score()
        >>> metric.update_state([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    _rules: ClassVar = {"class_aggregation": one_of(_AGGREGATIONS), "num_regressors": FROM_ZERO}

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable(name="num_samples")

    sum: Variable
    squared_sum: Variable
    total_mse: Variable
    count: Variable

    def build(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        if len(y_pred_shape) != 2:
            raise ValueError(
                f"{self.name}: predictions must have shape (n, outputs), got {tuple(y_pred_shape)}."
            )
        for kind, name in (
            ("squared_sum",) * 2,
            ("sum",) * 2,
            ("total_mse", "residual"),
            ("count",) * 2,
        ):
            setattr(self, kind, self.add_variable((y_pred_shape[-1],), name=name))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        backend = self.num_samples.backend
        with backend.scope():
            self.build_for(ops.shape(y_true), ops.shape(y_pred))
            y_true, y_pred = match_rank(
                *(backend.stop_gradient(as_float(backend, y, self.dtype)) for y in (y_true, y_pred))
            )
            weight = ops.ones_like(y_true)
            add_to(self.num_samples, ops.sum(weight))
            if sample_weight is not None:
                given = as_float(backend, sample_weight, self.dtype)
                weight = weight * (
                    ops.expand_dims(given, 1) if len(ops.shape(given)) == 1 else given
                )
            add_to(self.sum, ops.sum(y_true * weight, axis=0))
            add_to(self.squared_sum, ops.sum(y_true * y_true * weight, axis=0))
            add_to(self.total_mse, ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
            add_to(self.count, ops.sum(weight, axis=0))

    def result(self) -> Tensor:
        total = self.squared_sum.value - self.sum * (self.sum.value / self.count.value)
        score = 1 - self.total_mse.value / total
        score = ops.where(ops.isinf(score), ops.zeros_like(score), score)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(score)
        elif self.class_aggregation is not None:
            score = ops.sum(total * score) / ops.sum(total)
        if self.num_regressors:
            n = self.num_samples.value
            left = n - self.num_regressors - 1
            enough = ops.greater(left, 0)
            score = ops.where(
                enough,
                1 - (1 - score) * (n - 1) / ops.where(enough, left, ops.ones_like(left)),
                score,
            )
        return score

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }

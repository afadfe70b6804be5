"""Correlation of targets and predictions along an axis."""

from __future__ import annotations

from typing import Any

from unidl import config, ops
from unidl.losses.tensors import together
from unidl.metrics.reduction import NamedMean
from unidl.typing import Axis, DType, Tensor, TensorLike


def _centred(x: TensorLike, axis: Any) -> Any:
    mean = ops.mean(x, axis=axis, keepdims=True)
    return mean, x - mean


def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: Axis = -1) -> Tensor:
    """Covariance over the product of both standard deviations, along `axis`; NaN where one is 0.

    Examples:
        >>> unidl.metrics.pearson_correlation([[1.0, 2.0, 3.0]], [[2.0, 3.0, 4.0]])
        array([1.], dtype=float32)
    """
    parts = [_centred(y, axis)[1] for y in together(y_true, y_pred)]
    left, right = (x / ops.std(x, axis=axis, keepdims=True) for x in parts)
    return ops.mean(left * right, axis=axis)


def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: Axis = -1) -> Tensor:
    """2 * covariance / (both variances + (difference of the means)**2), along `axis` (Lin,
    Biometrics 45, 1989).

    Examples:
        >>> unidl.metrics.concordance_correlation([[1.0, 2.0, 3.0]], [[2.0, 3.0, 4.0]])
        array([0.5714], dtype=float32)
    """
    y_true, y_pred = together(y_true, y_pred)
    (mean_true, d_true), (mean_pred, d_pred) = _centred(y_true, axis), _centred(y_pred, axis)
    spread = ops.mean(ops.square(d_true) + ops.square(d_pred), axis=axis, keepdims=True)
    apart = spread + ops.square(mean_true - mean_pred) + config.epsilon()
    return ops.mean(2 * d_true * d_pred / apart, axis=axis)


class PearsonCorrelation(NamedMean):
    """The mean of `pearson_correlation`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        axis: along which values belong together.

    Examples:
        >>> metric = unidl.metrics.PearsonCorrelation()
        >>> metric.update_state([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]])
        >>> metric.result()
        array(1., dtype=float32)
    """

    arguments = ("axis",)

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: DType | None = None, axis: Axis = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(NamedMean):
    """The mean of `concordance_correlation`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        axis: along which values belong together.

    Examples:
        >>> metric = unidl.metrics.ConcordanceCorrelation()
        >>> metric.update_state([[1.0, 2.0, 3.0]], [[2.0, 3.0, 4.0]])
        >>> metric.result()  # below 1, since the means differ
        array(0.5714, dtype=float32)
    """

    arguments = ("axis",)

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: DType | None = None,
        axis: Axis = -1,
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)

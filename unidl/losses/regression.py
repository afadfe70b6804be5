"""Losses between numbers, as functions: the mean over the last axis, (..., k) -> (...,)."""

from __future__ import annotations

import math
from typing import Any

from unidl import ops
from unidl.losses.tensors import check_equal_shapes, together
from unidl.typing import Axis, Tensor, TensorLike

EPSILON = 1e-7


def _pair(name: str, y_true: TensorLike, y_pred: TensorLike) -> Any:
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes(name, y_true, y_pred)
    return y_true, y_pred


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of (p - t)**2.

    Examples:
        >>> unidl.losses.mean_squared_error([[1.0, 2.0], [0.0, 0.0]], [[2.0, 5.0], [0.0, 1.0]])
        array([5. , 0.5], dtype=float32)
    """
    y_true, y_pred = _pair("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_pred, y_true)), axis=-1)


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of |p - t|.

    Examples:
        >>> unidl.losses.mean_absolute_error([[1.0, 2.0]], [[2.0, 5.0]])
        array([2.], dtype=float32)
    """
    y_true, y_pred = _pair("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.abs(ops.subtract(y_pred, y_true)), axis=-1)


def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """100 times the mean of |t - p| / max(|t|, 1e-7).

    Examples:
        >>> unidl.losses.mean_absolute_percentage_error([[2.0, 4.0]], [[3.0, 4.0]])  # 50 and 0
        array([25.], dtype=float32)
    """
    y_true, y_pred = _pair("mean_absolute_percentage_error", y_true, y_pred)
    relative = ops.divide(ops.subtract(y_true, y_pred), ops.maximum(ops.abs(y_true), EPSILON))
    return ops.multiply(ops.mean(ops.abs(relative), axis=-1), 100.0)


def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of (log(p + 1) - log(t + 1))**2, both at least 1e-7.

    Examples:
        >>> unidl.losses.mean_squared_logarithmic_error([[0.0]], [[np.e - 1]])
        array([1.], dtype=float32)
    """
    y_true, y_pred = _pair("mean_squared_logarithmic_error", y_true, y_pred)
    logs = [ops.log(ops.add(ops.maximum(x, EPSILON), 1.0)) for x in (y_pred, y_true)]
    return ops.mean(ops.square(ops.subtract(*logs)), axis=-1)


def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    """Mean of e**2 / 2 for errors up to delta, of delta * |e| - delta**2 / 2 beyond (Huber
    1964).

    Examples:
        >>> unidl.losses.huber([[0.0], [0.0]], [[0.5], [10.0]])
        array([0.125, 9.5  ], dtype=float32)
        >>> unidl.losses.huber([[0.0], [0.0]], [[0.5], [10.0]], delta=2.0)
        array([ 0.125, 18.   ], dtype=float32)
    """
    y_true, y_pred = _pair("huber", y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    size = ops.abs(error)
    linear = ops.subtract(ops.multiply(size, delta), 0.5 * delta * delta)
    return ops.mean(
        ops.where(ops.less_equal(size, delta), ops.multiply(ops.square(error), 0.5), linear),
        axis=-1,
    )


def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of log(cosh(p - t)).

    Examples:
        >>> unidl.losses.log_cosh([[0.0], [0.0]], [[0.1], [10.0]])  # not 50
        array([0.005 , 9.3069], dtype=float32)
    """
    y_true, y_pred = _pair("log_cosh", y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    return ops.mean(
        ops.subtract(ops.add(error, ops.softplus(ops.multiply(error, -2.0))), math.log(2.0)),
        axis=-1,
    )


def poisson(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of p - t * log(p + 1e-7).

    Examples:
        >>> unidl.losses.poisson([[2.0]], [[2.0]]), unidl.losses.poisson([[2.0]], [[4.0]])
        (array([0.6137], dtype=float32), array([1.2274], dtype=float32))
    """
    y_true, y_pred = _pair("poisson", y_true, y_pred)
    return ops.mean(
        ops.subtract(y_pred, ops.multiply(y_true, ops.log(ops.add(y_pred, EPSILON)))), axis=-1
    )


def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: Axis = -1) -> Tensor:
    """-sum of x * y for x and y scaled to length 1 along `axis`, where a length counts as at least
    1e-7.

    Examples:
        >>> unidl.losses.cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
        array([-1., -0.], dtype=float32)
    """
    y_true, y_pred = _pair("cosine_similarity", y_true, y_pred)
    return ops.negative(
        ops.sum(ops.multiply(ops.normalize(y_true, axis), ops.normalize(y_pred, axis)), axis=axis)
    )

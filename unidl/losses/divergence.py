"""Losses between distributions and between classes and margins, as functions: (..., k) ->
(...,)."""

from __future__ import annotations

from typing import Any

from unidl import ops
from unidl.losses.tensors import check_equal_shapes, together
from unidl.typing import Axis, Tensor, TensorLike

EPSILON = 1e-7


def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """sum(t * log(t / p)), both clipped to [1e-7, 1].

    Examples:
        >>> unidl.losses.kl_divergence([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.9, 0.1]])
        array([0.    , 0.5108], dtype=float32)
    """
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes("kl_divergence", y_true, y_pred)
    t, p = (ops.clip(x, EPSILON, 1.0) for x in (y_true, y_pred))
    return ops.sum(ops.multiply(t, ops.log(ops.divide(t, p))), axis=-1)


def hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of max(1 - t * p, 0), where t is -1 or 1 (or 0 or 1).

    Examples:
        >>> unidl.losses.hinge([[1.0, 0.0]], [[0.5, -3.0]])  # 0 and 1 are taken as -1 and 1
        array([0.25], dtype=float32)
    """
    return ops.mean(_margins("hinge", y_true, y_pred), axis=-1)


def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of max(1 - t * p, 0)**2, where t is -1 or 1 (or 0 or 1).

    Examples:
        >>> unidl.losses.squared_hinge([[1.0], [1.0]], [[0.5], [3.0]])
        array([0.25, 0.  ], dtype=float32)
    """
    return ops.mean(ops.square(_margins("squared_hinge", y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """max(largest wrong score - right score + 1, 0) for one-hot t.

    Examples:
        >>> unidl.losses.categorical_hinge([[0.0, 1.0, 0.0]], [[0.5, 0.8, 0.1]])  # 1 + 0.5 - 0.8
        array([0.7], dtype=float32)
    """
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes("categorical_hinge", y_true, y_pred)
    right = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.maximum(ops.add(ops.subtract(wrong, right), 1.0), 0.0)


def _margins(name: str, y_true: TensorLike, y_pred: TensorLike) -> Any:
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes(name, y_true, y_pred)
    # Targets that are all 0 or 1 mean -1 and 1. Whether they are is known on the device only.
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    signs = ops.where(binary, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)
    return ops.maximum(ops.subtract(1.0, ops.multiply(signs, y_pred)), 0.0)


def dice(y_true: TensorLike, y_pred: TensorLike, axis: Axis | None = None) -> Tensor:
    """1 - 2 * |t and p| / (|t| + |p|) over `axis` (Sørensen 1948).

    Examples:
        >>> unidl.losses.dice([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])
        array(0.3333, dtype=float32)
        >>> unidl.losses.dice(np.eye(2), np.eye(2), axis=-1)  # for each sample
        array([0., 0.])
    """
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes("dice", y_true, y_pred)
    common = ops.multiply(ops.sum(ops.multiply(y_true, y_pred), axis=axis), 2.0)
    total = ops.add(ops.add(ops.sum(y_true, axis=axis), ops.sum(y_pred, axis=axis)), EPSILON)
    return ops.subtract(1.0, ops.divide(common, total))


def tversky(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: Axis | None = None,
) -> Tensor:
    """`dice` with weights for t without p, `alpha`, and p without t, `beta` (arXiv:1706.05721).

    Examples:
        >>> unidl.losses.tversky([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], alpha=0.3, beta=0.7)
        array(0.2308, dtype=float32)
    """
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes("tversky", y_true, y_pred)
    common = ops.sum(ops.multiply(y_true, y_pred), axis=axis)
    missed = ops.sum(ops.multiply(y_true, ops.subtract(1.0, y_pred)), axis=axis)
    invented = ops.sum(ops.multiply(y_pred, ops.subtract(1.0, y_true)), axis=axis)
    total = ops.add(
        ops.add(common, ops.multiply(missed, alpha)), ops.add(ops.multiply(invented, beta), EPSILON)
    )
    return ops.subtract(1.0, ops.divide(common, total))

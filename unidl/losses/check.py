"""Targets against a loss, on the host, before the first step: what a device would only answer with
NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unidl.losses import crossentropy
from unidl.losses.loss import Loss, LossFunctionWrapper
from unidl.losses.loss_sum import LossSum
from unidl.ops.index_checks import outside
from unidl.typing import Shape, TensorLike
from unidl.utils.naming import is_of_unidl
from unidl.utils.value_tests import below


def check_targets(
    loss: TensorLike, y_true: TensorLike, y_pred_shape: Shape, where: str = "loss"
) -> None:
    """Raise a ValueError if the array `y_true` cannot be meant for `loss` and predictions of
    `y_pred_shape`.

    Class numbers must be integers in [0, classes), other crossentropies' targets probabilities.
    `where` begins the message.

    Examples:
        >>> loss = unidl.losses.SparseCategoricalCrossentropy()
        >>> unidl.losses.check_targets(loss, np.array([0, 2]), (2, 3))
        >>> unidl.losses.check_targets(loss, np.array([0, 3]), (2, 3))
        Traceback (most recent call last):
            ...
        ValueError: loss: there is the class 3, but the model has 3 outputs, so...
    """
    if isinstance(loss, LossSum):
        for each in loss.losses:
            check_targets(each, y_true, y_pred_shape, where)
    if not isinstance(loss, LossFunctionWrapper) or isinstance(y_true, (dict, list, tuple)):
        return
    check = _CHECKS.get(loss.fn, _elementwise if is_own(loss) else None)
    if check is not None:
        check(loss, np.asarray(y_true), tuple(y_pred_shape), where)


def is_own(loss: Loss) -> bool:
    """Whether the loss is one of this library, and none that a user wrote."""
    if isinstance(loss, LossSum):
        return all(map(is_own, loss.losses))
    return is_of_unidl(type(loss)) and type(loss) is not LossFunctionWrapper


def quick_test(
    loss: Any, y_true: np.ndarray | None, y_pred_shape: Shape
) -> Callable[[np.ndarray], bool] | None:
    """A test of one pass whether the values of an array like `y_true` can be meant, which may
    fail where `check_targets` has no objection; None if any values can be meant."""
    if isinstance(loss, LossSum):
        tests = [quick_test(each, y_true, y_pred_shape) for each in loss.losses]
        found = [test for test in tests if test is not None]
        return (lambda array: all(test(array) for test in found)) if found else None
    if not isinstance(loss, LossFunctionWrapper) or not isinstance(y_true, np.ndarray):
        return None
    check = _CHECKS.get(loss.fn)
    if check is _sparse:
        classes = y_pred_shape[loss._kwargs.get("axis", -1)]
        if y_true.dtype.kind not in "iu" or classes is None:
            return lambda array: False
        return below(classes)
    return _in_unit if check is _binary else None


def _in_unit(y: np.ndarray) -> bool:
    return not y.size or bool(y.min() >= 0 and y.max() <= 1)


def _sparse(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    axis = loss._kwargs.get("axis", -1)
    if y.ndim == len(pred) and y.shape[axis] == 1:
        y = np.squeeze(y, axis)
    crossentropy.check_sparse_shapes(where, y.shape, (None, *pred[1:]), axis)
    ignored = loss._kwargs.get("ignore_class")
    labels = y if ignored is None else y[y != ignored]
    if (
        labels.dtype.kind not in "iub"
        and np.isfinite(labels).all()
        and (labels != np.floor(labels)).any()
    ):
        bad = labels[labels != np.floor(labels)][0]
        raise ValueError(
            f"{where}: the targets must be class numbers, but there is {bad}. For probabilities "
            "use categorical_crossentropy."
        )
    classes = pred[axis]
    bad = None if classes is None else outside(labels, 0, classes)
    if bad is not None:
        hint = (
            " Do your classes start at 1? Subtract 1 from them."
            if bad == classes and labels.min() >= 1
            else ""
        )
        raise ValueError(
            f"{where}: there is the class {bad}, but the model has {classes} outputs, so classes "
            f"are 0 to {classes - 1}.{hint}"
        )


def _categorical(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    crossentropy.check_categorical_shapes(where, y.shape, (None, *pred[1:]))


def _elementwise(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    """A target may be spread over the outputs, but an output is not compared with several
    targets."""
    if y.ndim == len(pred) > 1 and pred[-1] == 1 < y.shape[-1]:
        raise ValueError(
            f"{where}: y_true has the shape {y.shape} and y_pred {(None, *pred[1:])}. Both need "
            f"the same shape; give the model's last layer {y.shape[-1]} units, or select the "
            "intended column of the target."
        )


def _binary(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        bad = y.min() if y.min() < 0 else y.max()
        raise ValueError(
            f"{where}: a binary cross-entropy needs targets from 0 to 1, but there is {bad}."
        )


_CHECKS = {
    crossentropy.sparse_categorical_crossentropy: _sparse,
    crossentropy.categorical_generalized_cross_entropy: _sparse,
    crossentropy.categorical_crossentropy: _categorical,
    crossentropy.categorical_focal_crossentropy: _categorical,
    crossentropy.binary_crossentropy: _binary,
    crossentropy.binary_focal_crossentropy: _binary,
}

"""Targets against a loss, on the host, before the first step: what a device would only answer with
NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.losses import crossentropy
from unidl.losses.loss import LossFunctionWrapper
from unidl.typing import Shape, TensorLike


def check_targets(
    loss: TensorLike, y_true: TensorLike, y_pred_shape: Shape, where: str = "loss"
) -> None:
    """Raise a ValueError if the array `y_true` cannot be meant for `loss` and predictions of
    `y_pred_shape`.

    Class numbers must be integers in [0, classes), other crossentropies' targets probabilities.
    `where` begins the message.
    """
    if not isinstance(loss, LossFunctionWrapper) or isinstance(y_true, (dict, list, tuple)):
        return
    check = _CHECKS.get(loss.fn)
    if check is not None:
        check(loss, np.asarray(y_true), tuple(y_pred_shape), where)


def _sparse(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    axis = loss._kwargs.get("axis", -1)
    if y.ndim == len(pred) and y.shape[axis] == 1:
        y = np.squeeze(y, axis)
    crossentropy.check_sparse_shapes(where, y.shape, (None, *pred[1:]), axis)
    ignored = loss._kwargs.get("ignore_class")
    labels = y if ignored is None else y[y != ignored]
    if labels.dtype.kind not in "iub" and (labels != np.floor(labels)).any():
        bad = labels[labels != np.floor(labels)][0]
        raise ValueError(
            f"{where}: the targets are class numbers, but there is {bad}. For probabilities use "
            "categorical_crossentropy."
        )
    classes = pred[axis]
    if labels.size and classes is not None and not (labels.min() >= 0 and labels.max() < classes):
        bad = int(labels.min() if labels.min() < 0 else labels.max())
        hint = (
            " Do your classes begin with 1? Subtract 1 from them."
            if bad == classes and labels.min() >= 1
            else ""
        )
        raise ValueError(
            f"{where}: there is the class {bad}, but the model has {classes} outputs, so classes "
            f"are 0 to {classes - 1}.{hint}"
        )


def _categorical(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    crossentropy.check_categorical_shapes(where, y.shape, (None, *pred[1:]))


def _binary(loss: Any, y: TensorLike, pred: TensorLike, where: Any) -> None:
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        bad = y.min() if y.min() < 0 else y.max()
        raise ValueError(
            f"{where}: a binary cross-entropy wants targets from 0 to 1, but there is {bad}."
        )


_CHECKS = {
    crossentropy.sparse_categorical_crossentropy: _sparse,
    crossentropy.categorical_generalized_cross_entropy: _sparse,
    crossentropy.categorical_crossentropy: _categorical,
    crossentropy.categorical_focal_crossentropy: _categorical,
    crossentropy.binary_crossentropy: _binary,
    crossentropy.binary_focal_crossentropy: _binary,
}

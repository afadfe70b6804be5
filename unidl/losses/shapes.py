"""Which kind of classification targets and predictions of given shapes are."""

from __future__ import annotations

from typing import Any


def kind_of_classification(y_true_shape: Any, y_pred_shape: Any) -> str:
    """ "binary" where y_pred's last axis is 1; "sparse" where y_true has a lower rank, or a last
    axis of 1; else "categorical"."""
    true, pred = tuple(y_true_shape), tuple(y_pred_shape)
    if pred[-1:] == (1,):
        return "binary"
    if len(true) < len(pred) or (true[-1:] == (1,) and pred[-1] != 1):
        return "sparse"
    return "categorical"

"""Class numbers to one-hot rows, on the host."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Integers (...,) or (..., 1) -> float64 (..., num_classes) of ones and zeros; by default
    max(x) + 1 classes.

    Examples:
        >>> unidl.utils.to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]])
        >>> unidl.utils.to_categorical([0, 1], num_classes=3)
        array([[1., 0., 0.],
               [0., 1., 0.]])
    """
    x = np.asarray(x)
    if x.dtype.kind not in "iub" and (x != np.floor(x)).any():
        raise ValueError(
            "to_categorical: expected class numbers 0, 1, 2 ..., got values such as "
            f"{x[x != np.floor(x)][0]}."
        )
    x = x.astype("int64")
    if x.ndim > 1 and x.shape[-1] == 1:
        x = x[..., 0]
    classes = int(num_classes or x.max() + 1)
    if x.size and (x.min() < 0 or x.max() >= classes):
        raise ValueError(
            f"to_categorical: the classes are 0 to {classes - 1}, got values from {x.min()} to "
            f"{x.max()}."
        )
    return (x[..., None] == np.arange(classes)).astype("float64")

"""The logistic function, in few passes."""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    """1 / (1 + exp(-x)): where exp overflows the quotient is 0, which is right."""
    y = np.negative(x)
    if y.ndim == 0:
        with np.errstate(over="ignore"):
            return x.dtype.type(1) / (x.dtype.type(1) + np.exp(y))
    return _finish_sigmoid(y)


def sigmoid_in_place(x):
    return _finish_sigmoid(np.negative(x, out=x))


def _finish_sigmoid(y):
    with np.errstate(over="ignore"):
        np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)

"""Operands of users' own NumPy code in one dtype: the primitives want that, NumPy's rules differ
between its versions."""

from __future__ import annotations

import numpy as np

from unidl.backend import dtypes
from unidl.backend.variable import Variable
from unidl_numpy import shaping
from unidl_numpy.tape_array import TapeArray


def pair(x, y):
    """Both operands in one dtype. Numbers, NumPy's too, take the dtype of the array."""
    x, y = operand(x), operand(y)
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.dtype != y.dtype:
        common = dtypes.result_type(x.dtype.name, y.dtype.name)
        return shaping.cast(x, common), shaping.cast(y, common)
    return x, y


def operand(x):
    if type(x) is TapeArray or isinstance(x, (np.ndarray, bool, int, float)):
        return x
    if isinstance(x, Variable):
        return x.value
    return x.item() if isinstance(x, np.generic) else np.asarray(x)

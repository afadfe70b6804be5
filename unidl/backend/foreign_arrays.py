"""Tensors, columns and tables of other libraries as NumPy arrays, by what they offer and not by
their names: `__array__`, `asnumpy`, `to_numpy` or `__dlpack__`."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

_OFFERS = ("__array__", "asnumpy", "to_numpy", "__dlpack__")
_PYTHON = frozenset((int, float, bool, list, tuple, str, dict, type(None)))


def offers_array(x: Any) -> bool:
    """Whether `x` is not of Python's own types and can be had as an array."""
    cls = type(x)
    return cls not in _PYTHON and any(hasattr(cls, name) for name in _OFFERS)


def as_array(x: Any) -> np.ndarray:
    """`x` as an array with a dtype of NumPy's: (n,) of a column, (n, columns) of a table.

    Of a table whose columns differ in dtype it is the widest. Numbers that NumPy holds as objects,
    as those of nullable columns, get the dtype that they would have in a list.
    """
    array = np.asarray(x) if hasattr(type(x), "__array__") else _by_other_means(x)
    if array.dtype.kind == "O" and not isinstance(x, np.ndarray):
        return _of_objects(array)
    return array


def _by_other_means(x: Any) -> np.ndarray:
    for name in ("asnumpy", "to_numpy"):
        if hasattr(type(x), name):
            return np.asarray(getattr(x, name)())
    if hasattr(type(x), "__dlpack__"):
        return np.from_dlpack(x)
    return np.asarray(x)


def _of_objects(array: np.ndarray) -> np.ndarray:
    """The numbers in an array of objects; as it is if there is anything else in it."""
    if array.size and all(isinstance(value, numbers.Real) for value in array.flat):
        return np.array(array.tolist())
    return array


def holds_gaps(array: np.ndarray) -> bool:
    """Whether an array of objects is one of numbers but for entries that are missing."""
    if array.dtype.kind != "O":
        return False
    others = {type(value) for value in array.flat if not isinstance(value, numbers.Real)}
    return bool(others) and all(cls.__name__ in ("NoneType", "NAType") for cls in others)

"""Indices that are not there, told before a framework clips, wraps or crashes.

Host data are checked on the host. Tensors are checked by their smallest and largest element where
they have a value: in eager calls, never in a compiled step, whose data are checked where they enter
(`outside` is for those who do that). docs/numerics.md says what holds for indices that are computed
inside a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.backend.errors import OutOfRangeError
from unidl.backend.host_data import array_of, from_host
from unidl.backend.variable import Variable
from unidl.ops.dispatch import owner_of
from unidl.typing import TensorLike


def outside(values: np.ndarray, low: int, high: int) -> Any:
    """A number of the array `values` that is not in [low, high), None if all are."""
    if not values.size:
        return None
    least, largest = values.min(), values.max()
    # Of a NaN no comparison is true.
    bad = least if not least >= low else largest if not largest < high else None
    return int(bad) if bad is not None and bad == bad // 1 else bad


# A narrow dtype does not hold the sizes of axes, and sums with them would wrap.
_WIDE_ENOUGH = {
    "int8": "int32",
    "uint8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
}


def integers(name: str, indices: TensorLike, what: str = "indices") -> TensorLike:
    """`indices` in int32 or int64, host data as an array; an error unless they are integers."""
    owner = owner_of(indices)
    if owner is None:
        indices = _host_integers(indices)
        dtype = indices.dtype.name
    else:
        indices = indices.value if isinstance(indices, Variable) else indices
        dtype = owner.dtype(indices)
    if not dtypes.is_integer(dtype):
        raise TypeError(
            f'{name}: {what} must be integers, got {dtype}. Use ops.cast({what}, "int32").'
        )
    if dtype not in _WIDE_ENOUGH:
        return indices
    if owner is None:
        return from_host(indices, _WIDE_ENOUGH[dtype])[0]
    return owner.cast(indices, _WIDE_ENOUGH[dtype])


def whole_numbers(name: str, x: TensorLike, what: str) -> TensorLike:
    """`integers`, but floats lose their fraction, as where Keras casts."""
    owner = owner_of(x)
    if owner is None:
        floats = array_of(x).dtype.kind == "f"
        return from_host(x, "int32")[0] if floats else integers(name, x, what)
    x = x.value if isinstance(x, Variable) else x
    return owner.cast(x, "int32") if dtypes.is_float(owner.dtype(x)) else integers(name, x, what)


def _host_integers(indices: Any) -> np.ndarray:
    """Host data as an array; numbers beyond int32 are kept, for the check of their range to
    tell."""
    if isinstance(indices, (list, tuple)) and len(indices) == 0:
        return np.zeros((0,), "int32")  # an empty list has no dtype of its own
    array = array_of(indices)
    if array.dtype.kind == "i":
        as_it_is = isinstance(indices, np.ndarray) or outside(array, -(2**31), 2**31) is not None
        return array if as_it_is else array.astype("int32")
    return from_host(indices)[0]


def check_indices(
    name: str,
    indices: TensorLike,
    low: int,
    high: int | None,
    of: str,
    what: str = "index",
    hint: str = "",
) -> None:
    """An error unless all `indices` are in [low, high), the range of `of`; an unknown `high` (an
    open axis) is not checked."""
    if type(high) is not int:
        return
    values = values_now(indices)
    bad = None if values is None else outside(values, low, high)
    if bad is not None:
        possible = f"possible: integers in [{low}, {high})." if high > 0 else "it is empty."
        raise OutOfRangeError(f"{name}: {what} {bad} is out of range for {of}; {possible}{hint}")


def values_now(indices: TensorLike) -> np.ndarray | None:
    """An array with the smallest and the largest of `indices`, or host data themselves; None for
    what has no value now."""
    owner = owner_of(indices)
    if owner is None:
        return np.asarray(indices)
    if not owner.has_value(indices):
        return None
    if 0 in owner.shape(indices):
        return np.zeros(0, "int32")
    return np.stack([owner.to_numpy(f(indices, None)) for f in (owner.min, owner.max)])


def check_along(
    name: str, indices: TensorLike, shape: Any, axis: Any, negative: bool = True
) -> None:
    """`check_indices` for positions along `axis` of a tensor of `shape`, from the end too if they
    may be `negative`."""
    if type(axis) is int and -len(shape) <= axis < len(shape):
        size = shape[axis]
        low = -size if negative and type(size) is int else 0
        of = f"axis {axis % len(shape)} of the shape {tuple(shape)}"
        check_indices(name, indices, low, size, of)

"""Host data on their way to a backend: numbers, nested lists and arrays, as arrays that any
framework takes.

Every adapter's `asarray` begins here. So what is no tensor, and a number that does not fit, is told
before a framework sees it, in the same words on every backend; and byte order, long doubles and the
like become what all frameworks have.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.backend.errors import NoTensorError, OutOfRangeNumberError
from unidl.backend.foreign_arrays import as_array, offers_array

# Arrays of these need nothing.
PLAIN = {np.dtype(name): name for name in dtypes.ALL if name != "bfloat16"}

# What takes the numbers of an array whose dtype a backend does not have.
_WIDER = {
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
    "bfloat16": "float32",
}

_PYTHON = {"b": "bool", "i": "int32", "u": "int32"}


def from_host(
    x: Any, dtype: str | None = None, offered: Any = dtypes.ALL
) -> tuple[np.ndarray, str]:
    """(`x` as an array in native byte order, the dtype of its tensor).

    The dtype is `dtype`. By default Python floats become `floatx`, Python ints int32, bools bool,
    and arrays keep theirs if it is among `offered`; numbers of another one take the next wider. The
    array has this dtype, but for bfloat16, which NumPy has not: the framework casts.
    """
    array, python = x, False
    if type(x) is np.ndarray and (name := PLAIN.get(x.dtype)) is not None:
        if name == dtype or (dtype is None and name in offered):
            return x, name
    else:
        array = array_of(x)
        # What has a dtype of its own keeps it.
        python = not offers_array(x) and not isinstance(x, memoryview)
    own = _own_dtype(x, array, python) if dtype is None else dtype
    if dtype is None and own not in offered:
        own = _WIDER.get(own, own)
    return _in_dtype(array, own, python and dtype is None), own


def array_of(x: Any) -> np.ndarray:
    """`x` as an array of numbers or bools."""
    try:
        array = as_array(x) if offers_array(x) else np.asarray(x)
    except (ValueError, TypeError) as error:
        if type(error) not in (ValueError, TypeError) or not isinstance(x, (list, tuple)):
            raise  # what a tensor says that has no value
        raise _ragged(x) from error
    kind = array.dtype.kind
    if kind == "O" and _holds_ints(array):
        return array
    if kind == "c":
        raise NoTensorError(
            f"cannot make a tensor of {_what(x, array)}: tensors are real. Pass the parts, x.real "
            "and x.imag."
        )
    if kind not in "biuf" and array.dtype.name != "bfloat16":
        raise NoTensorError(
            f"cannot make a tensor of {_what(x, array)}: expected numbers, nested lists of numbers "
            "with equal lengths, an array of numbers or a tensor."
        )
    if isinstance(x, np.ma.MaskedArray) and np.ma.getmaskarray(x).any():
        raise NoTensorError(
            "cannot make a tensor of a masked array: tensors have no holes. Fill them, "
            "x.filled(0), and pass the mask separately."
        )
    return array


def check_parts(x: Any, shapes: Any) -> None:
    """An error unless the `shapes` of the tensors in the list `x` are one."""
    if len(set(shapes)) > 1:
        raise _ragged(x)


def _ragged(x: Any) -> NoTensorError:
    return NoTensorError(
        f"cannot make a tensor of a {type(x).__name__} whose parts have different shapes: expected "
        "nested lists of equal lengths."
    )


def _holds_ints(array: np.ndarray) -> bool:
    """Whether what NumPy took for objects are ints beyond its dtypes, and other numbers."""
    numbers = array.reshape(-1)
    return any(type(n) is int for n in numbers) and all(
        isinstance(n, (int, float)) for n in numbers
    )


def _own_dtype(x: Any, array: np.ndarray, python: bool) -> str:
    kind, name = array.dtype.kind, array.dtype.name
    if kind == "O":  # ints beyond all dtypes
        only_ints = all(isinstance(n, int) for n in array.reshape(-1))
        return "int32" if only_ints else dtypes.floatx()
    if python:
        return _PYTHON.get(kind) or dtypes.floatx()
    return name if name in dtypes.ALL else "float64"  # a long double


def _in_dtype(array: np.ndarray, dtype: str, by_default: bool) -> np.ndarray:
    """`array` cast; numbers that an integer `dtype` does not hold are an error."""
    if dtype == "bfloat16":
        return array if array.dtype.name in dtypes.ALL else array.astype("float64")
    target = np.dtype(dtype)
    if array.dtype == target:
        return array
    kind = array.dtype.kind
    if (
        target.kind in "iu"
        and kind != "b"
        and array.size
        and not (kind in "iu" and np.can_cast(array.dtype, target))
    ):
        _check_range(array, dtype, by_default)
    with np.errstate(over="ignore"):  # a float that is too large becomes inf, as everywhere
        return array.astype(target)


def _check_range(array: np.ndarray, dtype: str, by_default: bool) -> None:
    low, high = dtypes.extremes(dtype)
    # The fraction of a float is cut off, and no comparison is true of a NaN.
    for number in (array.min(), array.max()):
        number = number.item() if isinstance(number, np.generic) else number
        if not low - 1 < number < high + 1:
            raise _does_not_fit(number, dtype, by_default)


def _does_not_fit(number: float, dtype: str, by_default: bool = False) -> OutOfRangeNumberError:
    low, high = dtypes.extremes(dtype)
    if by_default and -(2**63) <= number < 2**63:
        return OutOfRangeNumberError(
            f"the number {number} does not fit into {dtype}, the dtype of Python ints. Specify the "
            "dtype:"
            ' ops.convert_to_tensor(x, dtype="int64").'
        )
    return OutOfRangeNumberError(
        f"the number {number} does not fit into {dtype}, which holds {low} to {high}. Use another "
        "dtype, or another number."
    )


def fitted(number: float, dtype: str) -> float:
    """A Python number beside a tensor of `dtype`, as a framework can take it; an error if `dtype`
    does not hold it."""
    if dtypes.is_integer(dtype):
        low, high = dtypes.extremes(dtype)
        if not low <= number <= high:
            raise _does_not_fit(number, dtype)
        return number
    if type(number) is not int or -(2**53) <= number <= 2**53:
        return number
    try:
        return float(number)  # what frameworks cannot do with ints beyond int64
    except OverflowError:
        raise _does_not_fit(number, dtype) from None


def _what(x: Any, array: np.ndarray) -> str:
    if isinstance(x, np.ndarray):
        return f"an array of dtype {array.dtype.name}"
    if isinstance(x, dict):
        return f"a dict with the keys {_short(list(x))}"
    return f"the {type(x).__name__} {_short(x)}"


def _short(x: Any) -> str:
    text = " ".join(repr(x).split())
    return text if len(text) <= 60 else text[:57] + "..."

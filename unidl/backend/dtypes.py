"""Dtypes by NumPy's names, `floatx`, and the promotion rule of binary functions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar

from unidl.backend.context import holding
from unidl.typing import DType

FLOATS = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
ALL = ("bool", *UNSIGNED, *SIGNED, *FLOATS)
_ALIASES = {
    "float": "float32",
    "int": "int32",
    "half": "float16",
    "double": "float64",
    "bool_": "bool",
}

_floatx = "float32"
_floatx_here: ContextVar[str | None] = ContextVar("unidl_floatx", default=None)


def floatx() -> str:
    """The default float dtype, "float32" unless `set_floatx` said otherwise.

    Examples:
        >>> unidl.backend.floatx()
        'float32'
    """
    return _floatx_here.get() or _floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype: "float16", "bfloat16", "float32" or "float64".

    Examples:
        >>> unidl.backend.set_floatx("float64")
        >>> unidl.ops.dtype(unidl.ops.ones((2,)))
        'float64'
        >>> unidl.backend.set_floatx("float32")
    """
    global _floatx
    if value not in FLOATS:
        from unidl.utils.suggestions import did_you_mean  # which only errors need

        raise ValueError(
            f"set_floatx: expected one of {', '.join(FLOATS)}, got {value!r}."
            f"{did_you_mean(value, FLOATS)}"
        )
    _floatx = value


def floatx_here(value: str) -> AbstractContextManager[str | None]:
    """Inside, `floatx` is `value` for this thread or task alone."""
    return holding(_floatx_here, value)


def standardize_dtype(dtype: DType | None) -> str:
    """Name of a dtype given by name, Python type, NumPy dtype or any framework's dtype; None means
    `floatx`.

    Examples:
        >>> [unidl.backend.standardize_dtype(each) for each in (int, np.dtype("float64"), None)]
        ['int32', 'float64', 'float32']
    """
    if dtype is None:
        return floatx()
    if isinstance(dtype, type) and dtype in (bool, int, float):
        return {bool: "bool", int: "int32", float: floatx()}[dtype]
    # np.dtype and tf.DType have a name; str(torch.float32) is "torch.float32"; numpy scalar types
    # have __name__.
    name = (
        dtype
        if isinstance(dtype, str)
        else getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    )
    name = name.rsplit(".", 1)[-1]
    name = _ALIASES.get(name, name)
    if name not in ALL:
        from unidl.utils.suggestions import UnknownName, did_you_mean  # which only errors need

        raise UnknownName(
            f"Unknown dtype {dtype!r}.{did_you_mean(name, ALL)} Use one of {', '.join(ALL)}."
        )
    return name


def is_float(dtype: str) -> bool:
    """Whether numbers of `dtype` have a fraction.

    Examples:
        >>> unidl.backend.is_float_dtype("bfloat16"), unidl.backend.is_float_dtype("int32")
        (True, False)
    """
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Whether numbers of `dtype` are integers; a bool is none.

    Examples:
        >>> unidl.backend.is_int_dtype("uint8"), unidl.backend.is_int_dtype("bool")
        (True, False)
    """
    return dtype in SIGNED or dtype in UNSIGNED


def itemsize(dtype: str) -> int:
    """Bytes of one element."""
    digits = "".join(c for c in dtype if c.isdigit())
    return int(digits) // 8 if digits else 1


def extremes(dtype: str) -> tuple:
    """(smallest, largest) number of `dtype`, infinities for floats."""
    if is_float(dtype):
        return -float("inf"), float("inf")
    if dtype == "bool":
        return False, True
    bits = int(dtype.removeprefix("u").removeprefix("int"))
    return (0, 2**bits - 1) if dtype in UNSIGNED else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def result_type(*dtypes: str) -> str:
    """Dtype of a function of tensors of `dtypes`: floats win over integers at their own width, as
    in JAX and Keras.

    Examples:
        >>> unidl.backend.result_type("int32", "float16")  # not float64, as in NumPy
        'float16'
    """
    result = dtypes[0]
    for dtype in dtypes[1:]:
        result = _promote(result, dtype)
    return result


def _promote(a: str, b: str) -> str:
    if a == b or b == "bool":
        return a
    if a == "bool":
        return b
    if is_float(a) != is_float(b):
        return a if is_float(a) else b
    for family in (SIGNED, UNSIGNED):
        if a in family and b in family:
            return max(a, b, key=family.index)
    if is_float(a):
        if {a, b} == {"float16", "bfloat16"}:
            return "float32"
        return max(a, b, key=FLOATS.index)
    signed, unsigned = (a, b) if a in SIGNED else (b, a)
    # The smallest signed dtype that holds both; uint64 with a signed one needs a float.
    needed = UNSIGNED.index(unsigned) + 1
    return floatx() if needed == len(SIGNED) else SIGNED[max(needed, SIGNED.index(signed))]

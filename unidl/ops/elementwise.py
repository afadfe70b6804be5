"""Elementwise functions of the contract. Shapes broadcast; a Python number adopts the dtype of the
tensor beside it."""

from __future__ import annotations

from typing import Any

from unidl.backend import dtypes
from unidl.backend.host_data import fitted
from unidl.ops.dispatch import (
    NUMBERS,
    call,
    call_bool,
    dtype_name,
    native_owner,
    op,
    run,
    tensor_of,
)
from unidl.ops.thin_functions import binary, bitwise, logical, unary
from unidl.typing import Tensor, TensorLike

# -- arithmetic ------------------------------------------------------------------------------------

add = binary(
    "add",
    """x1 + x2.

    Examples:
        >>> unidl.ops.add([[1], [2]], [10, 20])  # shapes broadcast
        array([[11, 21],
               [12, 22]], dtype=int32)
        >>> unidl.ops.add([1, 2], 0.5)
        array([1.5, 2.5], dtype=float32)
    """,
)
subtract = binary(
    "subtract",
    """x1 - x2.

    Examples:
        >>> unidl.ops.subtract([5, 7], [[1], [2]])
        array([[4, 6],
               [3, 5]], dtype=int32)
    """,
)
multiply = binary(
    "multiply",
    """x1 * x2.

    Examples:
        >>> unidl.ops.multiply([1, 2], [[10], [100]])
        array([[ 10,  20],
               [100, 200]], dtype=int32)
    """,
)
divide = binary(
    "divide",
    """x1 / x2; integers become floats first.

    Examples:
        >>> unidl.ops.divide([1, 2], [2, 4])  # integers become floats
        array([0.5, 0.5], dtype=float32)
    """,
    to_floats=True,
)
true_divide = divide
divide_no_nan = binary(
    "divide_no_nan",
    """x1 / x2, and 0 where x2 is 0; integers become floats first.

    Examples:
        >>> unidl.ops.divide_no_nan([1.0, 0.0, 6.0], [0.0, 0.0, 3.0])
        array([0., 0., 2.], dtype=float32)
    """,
    to_floats=True,
)
floor_divide = binary(
    "floor_divide",
    """The largest integer not above x1 / x2.

    Examples:
        >>> unidl.ops.floor_divide([7, -7], 2)  # towards minus infinity
        array([ 3, -4], dtype=int32)
    """,
)
mod = binary(
    "mod",
    """Remainder of x1 / x2 with the sign of x2.

    Examples:
        >>> unidl.ops.mod([-7, 7], [3, -3])  # the sign of the second
        array([ 2, -2], dtype=int32)
    """,
)
power = binary(
    "power",
    """x1 to the power of x2.

    Examples:
        >>> unidl.ops.power([2, 3], 2)
        array([4, 9], dtype=int32)
        >>> unidl.ops.power([4.0, 9.0], 0.5)
        array([2., 3.], dtype=float32)
    """,
)
maximum = binary(
    "maximum",
    """The larger of x1 and x2; where they are equal each gets half of the gradient.

    Examples:
        >>> unidl.ops.maximum([1.0, 5.0, np.nan], 3.0)
        array([ 3.,  5., nan], dtype=float32)
    """,
)
minimum = binary(
    "minimum",
    """The smaller of x1 and x2; where they are equal each gets half of the gradient.

    Examples:
        >>> unidl.ops.minimum([1.0, 5.0, np.nan], 3.0)
        array([ 1.,  3., nan], dtype=float32)
    """,
)
arctan2 = binary(
    "arctan2",
    """Angle of the point (x2, x1), between -pi and pi.

    Examples:
        >>> unidl.ops.arctan2([1.0, -1.0], [-1.0, -1.0])  # the quadrant counts
        array([ 2.3562, -2.3562], dtype=float32)
    """,
    to_floats=True,
)

negative = unary(
    "negative",
    """-x.

    Examples:
        >>> unidl.ops.negative([1, -2])
        array([-1,  2], dtype=int32)
    """,
    to_float=False,
)
absolute = unary(
    "absolute",
    """|x|, with gradient 0 at 0.

    Examples:
        >>> unidl.ops.absolute([-2, 3])
        array([2, 3], dtype=int32)
    """,
    to_float=False,
    contract="abs",
)
abs = unary(
    "abs",
    """|x|, with gradient 0 at 0.

    Examples:
        >>> unidl.ops.abs([-2.5, 3.0])
        array([2.5, 3. ], dtype=float32)
    """,
    to_float=False,
)
sign = unary(
    "sign",
    """-1, 0 or 1 as x is negative, zero or positive.

    Examples:
        >>> unidl.ops.sign([-3.0, 0.0, 5.0])
        array([-1.,  0.,  1.], dtype=float32)
    """,
    to_float=False,
)
square = unary(
    "square",
    """x * x.

    Examples:
        >>> unidl.ops.square([-3, 4])
        array([ 9, 16], dtype=int32)
    """,
    to_float=False,
)
sqrt = unary(
    "sqrt",
    """Square root; NaN for negative x.

    Examples:
        >>> unidl.ops.sqrt([4, 2])  # integers become floats
        array([2.    , 1.4142], dtype=float32)
    """,
)
rsqrt = unary(
    "rsqrt",
    """1 / sqrt(x).

    Examples:
        >>> unidl.ops.rsqrt([4.0, 16.0])
        array([0.5 , 0.25], dtype=float32)
    """,
)
reciprocal = unary(
    "reciprocal",
    """1 / x.

    Examples:
        >>> unidl.ops.reciprocal([2.0, 4.0])
        array([0.5 , 0.25], dtype=float32)
    """,
)

# -- comparisons and logic: bool tensors -----------------------------------------------------------

equal = binary(
    "equal",
    """x1 == x2.

    Examples:
        >>> unidl.ops.equal([1.0, np.nan], [1.0, np.nan])
        array([ True, False])
    """,
)
not_equal = binary(
    "not_equal",
    """x1 != x2.

    Examples:
        >>> unidl.ops.not_equal([1, 2], [1, 3])
        array([False,  True])
    """,
)
less = binary(
    "less",
    """x1 < x2.

    Examples:
        >>> unidl.ops.less([1, 2, 3], 2)
        array([ True, False, False])
    """,
)
less_equal = binary(
    "less_equal",
    """x1 <= x2.

    Examples:
        >>> unidl.ops.less_equal([1, 2, 3], 2)
        array([ True,  True, False])
    """,
)
greater = binary(
    "greater",
    """x1 > x2.

    Examples:
        >>> unidl.ops.greater([1, 2, 3], 2)
        array([False, False,  True])
    """,
)
greater_equal = binary(
    "greater_equal",
    """x1 >= x2.

    Examples:
        >>> unidl.ops.greater_equal([1, 2, 3], 2)
        array([False,  True,  True])
    """,
)
logical_and = logical(
    "logical_and",
    """x1 and x2; what is not 0 counts as true.

    Examples:
        >>> unidl.ops.logical_and([True, True], [True, False])
        array([ True, False])
    """,
)
logical_or = logical(
    "logical_or",
    """x1 or x2; what is not 0 counts as true.

    Examples:
        >>> unidl.ops.logical_or([True, False], [False, False])
        array([ True, False])
    """,
)
logical_xor = logical(
    "logical_xor",
    """Whether exactly one of x1 and x2 is true.

    Examples:
        >>> unidl.ops.logical_xor([True, True], [True, False])
        array([False,  True])
    """,
)
isnan = unary(
    "isnan",
    """Whether x is NaN.

    Examples:
        >>> unidl.ops.isnan([1.0, np.nan, np.inf])
        array([False,  True, False])
    """,
)
isinf = unary(
    "isinf",
    """Whether x is inf or -inf.

    Examples:
        >>> unidl.ops.isinf([1.0, np.nan, -np.inf])
        array([False, False,  True])
    """,
)
isfinite = unary(
    "isfinite",
    """Whether x is neither infinite nor NaN.

    Examples:
        >>> unidl.ops.isfinite([1.0, np.nan, np.inf])
        array([ True, False, False])
    """,
)


@op
def logical_not(x: TensorLike) -> Tensor:
    """Not x; what is not 0 counts as true.

    Examples:
        >>> unidl.ops.logical_not([True, False])
        array([False,  True])
    """
    return call_bool("logical_not", x)


# -- bits of integers ------------------------------------------------------------------------------

bitwise_and = bitwise(
    "bitwise_and",
    """Bits that both integers have.

    Examples:
        >>> unidl.ops.bitwise_and([12, 5], [10, 4])
        array([8, 4], dtype=int32)
    """,
)
bitwise_or = bitwise(
    "bitwise_or",
    """Bits that either integer has.

    Examples:
        >>> unidl.ops.bitwise_or([12, 5], [10, 2])
        array([14,  7], dtype=int32)
    """,
)
bitwise_xor = bitwise(
    "bitwise_xor",
    """Bits that exactly one of the integers has.

    Examples:
        >>> unidl.ops.bitwise_xor([12, 5], [10, 5])
        array([6, 0], dtype=int32)
    """,
)


@op
def bitwise_not(x: TensorLike) -> Tensor:
    """All bits of the integers flipped: -x - 1, of unsigned ones what is missing to the largest.

    Examples:
        >>> unidl.ops.bitwise_invert(np.array([0, 5], "int32"))
        array([-1, -6], dtype=int32)
    """
    backend, x = tensor_of(x)
    dtype = backend.dtype(x)
    return subtract(2 ** int(dtype[4:]) - 1 if dtype in dtypes.UNSIGNED else -1, x)


bitwise_invert = bitwise_not


@op
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Integers x times 2**y, `y` a Python int.

    Examples:
        >>> unidl.ops.bitwise_left_shift([1, 3], 2)
        array([ 4, 12], dtype=int32)
    """
    return _shift("left_shift", x, y)


@op
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Integers x divided by 2**y and rounded down, `y` a Python int.

    Examples:
        >>> unidl.ops.bitwise_right_shift([16, -5], 1)  # the sign is kept
        array([ 8, -3], dtype=int32)
    """
    return _shift("right_shift", x, y)


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


def _shift(name: str, x: TensorLike, y: TensorLike) -> Any:
    if not hasattr(y, "__index__") or getattr(y, "ndim", False):
        raise TypeError(
            f"{name}: the number of bits must be a Python int, got {type(y).__name__}. Multiply by "
            "a power of 2 instead."
        )
    backend, x = tensor_of(x)
    dtype = backend.dtype(x)
    width = dtypes.extremes(dtype)[1].bit_length() if dtypes.is_integer(dtype) else y
    if not 0 <= y <= width:
        raise ValueError(
            f"{name}: the number of bits must be between 0 and {width}, those of {dtype}, got {y}."
        )
    return run(backend, name, [x, int(y)], {})


# -- rounding --------------------------------------------------------------------------------------

floor = unary(
    "floor",
    """The largest integer not above x, as a float; gradient 0.

    Examples:
        >>> unidl.ops.floor([-1.5, 1.7])
        array([-2.,  1.], dtype=float32)
    """,
)
ceil = unary(
    "ceil",
    """The smallest integer not below x, as a float; gradient 0.

    Examples:
        >>> unidl.ops.ceil([-1.5, 1.2])
        array([-1.,  2.], dtype=float32)
    """,
)


@op
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """Nearest integer, halves to the even one; with `decimals` to that many digits. Integers stay
    as they are.

    Examples:
        >>> unidl.ops.round([0.5, 1.5, 2.4])  # halves go to the even number
        array([0., 2., 2.], dtype=float32)
        >>> unidl.ops.round([1.234], decimals=1)
        array([1.2], dtype=float32)
    """
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        return x
    if decimals == 0:
        return call("round", x)
    return divide(call("round", multiply(x, 10.0**decimals)), 10.0**decimals)


@op
def trunc(x: TensorLike) -> Tensor:
    """x without its fraction; integers stay as they are.

    Examples:
        >>> unidl.ops.trunc([-1.7, 1.7])
        array([-1.,  1.], dtype=float32)
    """
    backend, x = tensor_of(x)
    return call("trunc", x) if dtypes.is_float(backend.dtype(x)) else x


@op
def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Tensor:
    """x, at least `x_min` and at most `x_max` (None: no bound); the gradient passes at numeric
    bounds.

    Examples:
        >>> unidl.ops.clip([-2.0, 0.5, 3.0], 0.0, 1.0)
        array([0. , 0.5, 1. ], dtype=float32)
    """
    if all(b is None or type(b) in NUMBERS for b in (x_min, x_max)):
        backend = native_owner(x)
        if backend is None:
            backend, x = tensor_of(x)
        dtype = dtype_name(backend, x)
        if dtype not in dtypes.FLOATS and float in (type(x_min), type(x_max)):
            dtype = dtypes.floatx()
            x = backend.cast(x, dtype)
        # Numbers that no float changes need no look.
        if dtype not in dtypes.FLOATS or not (_is_small(x_min) and _is_small(x_max)):
            x_min, x_max = (b if b is None else fitted(b, dtype) for b in (x_min, x_max))
        return run(backend, "clip", [x], {"low": x_min, "high": x_max})
    x = x if x_min is None else maximum(x, x_min)
    return x if x_max is None else minimum(x, x_max)


def _is_small(bound: float | None) -> bool:
    return type(bound) is not int or -(2**53) <= bound <= 2**53

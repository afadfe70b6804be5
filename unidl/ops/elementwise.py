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

add = binary("add", "x1 + x2.")
subtract = binary("subtract", "x1 - x2.")
multiply = binary("multiply", "x1 * x2.")
divide = binary("divide", "x1 / x2; integers become floats first.", to_floats=True)
true_divide = divide
divide_no_nan = binary(
    "divide_no_nan", "x1 / x2, and 0 where x2 is 0; integers become floats first.", to_floats=True
)
floor_divide = binary("floor_divide", "The largest integer not above x1 / x2.")
mod = binary("mod", "Remainder of x1 / x2 with the sign of x2.")
power = binary("power", "x1 to the power of x2.")
maximum = binary(
    "maximum", "The larger of x1 and x2; where they are equal each gets half of the gradient."
)
minimum = binary(
    "minimum", "The smaller of x1 and x2; where they are equal each gets half of the gradient."
)
arctan2 = binary("arctan2", "Angle of the point (x2, x1), between -pi and pi.", to_floats=True)

negative = unary("negative", "-x.", to_float=False)
absolute = unary("absolute", "|x|, with gradient 0 at 0.", to_float=False, contract="abs")
abs = unary("abs", "|x|, with gradient 0 at 0.", to_float=False)
sign = unary("sign", "-1, 0 or 1 as x is negative, zero or positive.", to_float=False)
square = unary("square", "x * x.", to_float=False)
sqrt = unary("sqrt", "Square root; NaN for negative x.")
rsqrt = unary("rsqrt", "1 / sqrt(x).")
reciprocal = unary("reciprocal", "1 / x.")

# -- exponentials and trigonometry -----------------------------------------------------------------

exp = unary("exp", "e to the power of x.")
expm1 = unary("expm1", "exp(x) - 1, accurate near 0.")
log = unary("log", "Natural logarithm; -inf at 0, NaN below.")
log1p = unary("log1p", "log(1 + x), accurate near 0.")
sin = unary("sin", "Sine of x in radians.")
cos = unary("cos", "Cosine of x in radians.")
tan = unary("tan", "Tangent of x in radians.")
arcsin = unary("arcsin", "Angle in [-pi/2, pi/2] whose sine is x.")
arccos = unary("arccos", "Angle in [0, pi] whose cosine is x.")
arctan = unary("arctan", "Angle in (-pi/2, pi/2) whose tangent is x.")
sinh = unary("sinh", "Hyperbolic sine.")
cosh = unary("cosh", "Hyperbolic cosine.")
tanh = unary("tanh", "Hyperbolic tangent.")
arcsinh = unary("arcsinh", "Inverse of sinh.")
arccosh = unary("arccosh", "Inverse of cosh, for x >= 1.")
arctanh = unary("arctanh", "Inverse of tanh, for -1 < x < 1.")
erf = unary("erf", "Error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.")
erfinv = unary("erfinv", "Inverse of erf, for -1 < x < 1.")

# -- comparisons and logic: bool tensors -----------------------------------------------------------

equal = binary("equal", "x1 == x2.")
not_equal = binary("not_equal", "x1 != x2.")
less = binary("less", "x1 < x2.")
less_equal = binary("less_equal", "x1 <= x2.")
greater = binary("greater", "x1 > x2.")
greater_equal = binary("greater_equal", "x1 >= x2.")
logical_and = logical("logical_and", "x1 and x2; what is not 0 counts as true.")
logical_or = logical("logical_or", "x1 or x2; what is not 0 counts as true.")
logical_xor = logical("logical_xor", "Whether exactly one of x1 and x2 is true.")
isnan = unary("isnan", "Whether x is NaN.")
isinf = unary("isinf", "Whether x is inf or -inf.")
isfinite = unary("isfinite", "Whether x is neither infinite nor NaN.")


@op
def logical_not(x: TensorLike) -> Tensor:
    """Not x; what is not 0 counts as true."""
    return call_bool("logical_not", x)


# -- bits of integers ------------------------------------------------------------------------------

bitwise_and = bitwise("bitwise_and", "Bits that both integers have.")
bitwise_or = bitwise("bitwise_or", "Bits that either integer has.")
bitwise_xor = bitwise("bitwise_xor", "Bits that exactly one of the integers has.")


@op
def bitwise_not(x: TensorLike) -> Tensor:
    """All bits of the integers flipped: -x - 1, of unsigned ones what is missing to the largest."""
    backend, x = tensor_of(x)
    dtype = backend.dtype(x)
    return subtract(2 ** int(dtype[4:]) - 1 if dtype in dtypes.UNSIGNED else -1, x)


bitwise_invert = bitwise_not


@op
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Integers x times 2**y, `y` a Python int."""
    return _shift("left_shift", x, y)


@op
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Integers x divided by 2**y and rounded down, `y` a Python int."""
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

floor = unary("floor", "The largest integer not above x, as a float; gradient 0.")
ceil = unary("ceil", "The smallest integer not below x, as a float; gradient 0.")


@op
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """Nearest integer, halves to the even one; with `decimals` to that many digits. Integers stay
    as they are."""
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        return x
    if decimals == 0:
        return call("round", x)
    return divide(call("round", multiply(x, 10.0**decimals)), 10.0**decimals)


@op
def trunc(x: TensorLike) -> Tensor:
    """x without its fraction; integers stay as they are."""
    backend, x = tensor_of(x)
    return call("trunc", x) if dtypes.is_float(backend.dtype(x)) else x


@op
def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Tensor:
    """x, at least `x_min` and at most `x_max` (None: no bound); the gradient passes at numeric
    bounds."""
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

"""Elementwise functions that are written over others."""

from __future__ import annotations

import math

from unidl.backend import dtypes
from unidl.ops.dispatch import call, call_float, op, tensor_of
from unidl.ops.elementwise import (
    add,
    divide,
    equal,
    erf,
    exp,
    greater,
    isfinite,
    isnan,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_or,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    power,
    sign,
    sin,
    sqrt,
    square,
    subtract,
)  # fmt: skip
from unidl.ops.indexing import where
from unidl.typing import Tensor, TensorLike


@op
def exp2(x: TensorLike) -> Tensor:
    """2 to the power of x."""
    return exp(multiply(x, math.log(2.0)))


@op
def log2(x: TensorLike) -> Tensor:
    """Logarithm to the base 2."""
    return multiply(log(x), 1 / math.log(2.0))


@op
def log10(x: TensorLike) -> Tensor:
    """Logarithm to the base 10."""
    return multiply(log(x), 1 / math.log(10.0))


@op
def cbrt(x: TensorLike) -> Tensor:
    """Cube root, of negative numbers too."""
    return multiply(sign(x), power(fabs(x), 1 / 3))


@op
def erfc(x: TensorLike) -> Tensor:
    """1 - erf(x)."""
    return subtract(1.0, erf(x))


@op
def deg2rad(x: TensorLike) -> Tensor:
    """Degrees to radians."""
    return multiply(x, math.pi / 180)


@op
def rad2deg(x: TensorLike) -> Tensor:
    """Radians to degrees."""
    return multiply(x, 180 / math.pi)


@op
def fabs(x: TensorLike) -> Tensor:
    """|x| as a float."""
    return call_float("abs", x)


@op
def sinc(x: TensorLike) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0."""
    x = multiply(x, math.pi)
    zero = equal(x, 0)
    safe = where(zero, 1.0, x)
    return where(zero, 1.0, divide(sin(safe), safe))


@op
def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """0 where x1 is negative, x2 where it is 0, 1 where it is positive."""
    return where(equal(x1, 0), x2, where(greater(x1, 0), 1.0, 0.0))


@op
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """sqrt(x1**2 + x2**2) without overflow."""
    large, small = maximum(fabs(x1), fabs(x2)), minimum(fabs(x1), fabs(x2))
    safe = where(equal(large, 0), 1.0, large)
    return multiply(large, sqrt(add(square(divide(small, safe)), 1.0)))


@op
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log(exp(x1) + exp(x2)) without overflow."""
    gap = negative(fabs(subtract(x1, x2)))
    # Of equal infinities the difference is NaN, and means 0.
    return add(maximum(x1, x2), log1p(exp(where(equal(x1, x2), 0.0, gap))))


@op
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log2(2**x1 + 2**x2) without overflow."""
    scale = math.log(2.0)
    return divide(logaddexp(multiply(x1, scale), multiply(x2, scale)), scale)


@op
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Remainder of x1 / x2 with the sign of x1."""
    return multiply(sign(x1), mod(call("abs", x1), call("abs", x2)))


@op
def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of x1 and x2; a NaN loses against a number."""
    return maximum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@op
def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of x1 and x2; a NaN loses against a number."""
    return minimum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@op
def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 * 2**x2."""
    return multiply(x1, exp2(x2))


@op
def isposinf(x: TensorLike) -> Tensor:
    """Whether x is inf."""
    return equal(x, math.inf)


@op
def isneginf(x: TensorLike) -> Tensor:
    """Whether x is -inf."""
    return equal(x, -math.inf)


@op
def isclose(
    x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol * |x2|, element by element; with `equal_nan` NaN is close to
    NaN."""
    near = less_equal(fabs(subtract(x1, x2)), add(multiply(fabs(x2), rtol), atol))
    result = logical_or(equal(x1, x2), logical_and(near, isfinite(x2)))
    return logical_or(result, logical_and(isnan(x1), isnan(x2))) if equal_nan else result


@op
def allclose(
    x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close, a 0-d bool tensor; see `isclose`."""
    return call("all", isclose(x1, x2, rtol, atol, equal_nan))


_LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}


@op
def nan_to_num(
    x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with NaN and infinities replaced; by default infinities become the largest finite numbers
    of the dtype."""
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        return x
    largest = _LARGEST[backend.dtype(x)]
    x = where(isposinf(x), largest if posinf is None else posinf, where(isnan(x), nan, x))
    return where(isneginf(x), -largest if neginf is None else neginf, x)

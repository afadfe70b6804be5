"""Elementwise functions that are written over others."""

from __future__ import annotations

import math

from unidl.backend import dtypes
from unidl.ops.dispatch import call, call_float, op, tensor_of
from unidl.ops.elementwise import (
    add,
    divide,
    equal,
    greater,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_or,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    power,
    sign,
    sqrt,
    square,
    subtract,
)
from unidl.ops.exponentials import erf, exp, log, log1p, sin  # fmt: skip
from unidl.ops.indexing import where
from unidl.typing import Tensor, TensorLike


@op
def exp2(x: TensorLike) -> Tensor:
    """2 to the power of x.

    Examples:
        >>> unidl.ops.exp2([0.0, 3.0, -1.0])
        array([1. , 8. , 0.5], dtype=float32)
    """
    return exp(multiply(x, math.log(2.0)))


@op
def log2(x: TensorLike) -> Tensor:
    """Logarithm to the base 2.

    Examples:
        >>> unidl.ops.log2([1.0, 8.0, 0.5])
        array([ 0.,  3., -1.], dtype=float32)
    """
    return multiply(log(x), 1 / math.log(2.0))


@op
def log10(x: TensorLike) -> Tensor:
    """Logarithm to the base 10.

    Examples:
        >>> unidl.ops.log10([1.0, 1000.0, 0.01])
        array([ 0.,  3., -2.], dtype=float32)
    """
    return multiply(log(x), 1 / math.log(10.0))


@op
def cbrt(x: TensorLike) -> Tensor:
    """Cube root, of negative numbers too.

    Examples:
        >>> unidl.ops.cbrt([-8.0, 27.0])
        array([-2.,  3.], dtype=float32)
    """
    return multiply(sign(x), power(fabs(x), 1 / 3))


@op
def erfc(x: TensorLike) -> Tensor:
    """1 - erf(x).

    Examples:
        >>> unidl.ops.erfc([0.0, 1.0, 3.0])
        array([1.    , 0.1573, 0.    ], dtype=float32)
    """
    return subtract(1.0, erf(x))


@op
def deg2rad(x: TensorLike) -> Tensor:
    """Degrees to radians.

    Examples:
        >>> unidl.ops.deg2rad([90.0, 180.0])
        array([1.5708, 3.1416], dtype=float32)
    """
    return multiply(x, math.pi / 180)


@op
def rad2deg(x: TensorLike) -> Tensor:
    """Radians to degrees.

    Examples:
        >>> unidl.ops.rad2deg([np.pi / 2, np.pi])
        array([ 90., 180.], dtype=float32)
    """
    return multiply(x, 180 / math.pi)


@op
def fabs(x: TensorLike) -> Tensor:
    """|x| as a float.

    Examples:
        >>> unidl.ops.fabs([-2, 3])  # integers become floats, unlike in `abs`
        array([2., 3.], dtype=float32)
    """
    return call_float("abs", x)


@op
def sinc(x: TensorLike) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0.

    Examples:
        >>> unidl.ops.sinc([0.0, 0.5, 1.0])
        array([ 1.    ,  0.6366, -0.    ], dtype=float32)
    """
    x = multiply(x, math.pi)
    zero = equal(x, 0)
    safe = where(zero, 1.0, x)
    return where(zero, 1.0, divide(sin(safe), safe))


@op
def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """0 where x1 is negative, x2 where it is 0, 1 where it is positive.

    Examples:
        >>> unidl.ops.heaviside([-1.0, 0.0, 2.0], 0.5)
        array([0. , 0.5, 1. ], dtype=float32)
    """
    return where(equal(x1, 0), x2, where(greater(x1, 0), 1.0, 0.0))


@op
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """sqrt(x1**2 + x2**2) without overflow.

    Examples:
        >>> unidl.ops.hypot([3.0, 3e30], [4.0, 4e30])
        array([5.e+00, 5.e+30], dtype=float32)
    """
    large, small = maximum(fabs(x1), fabs(x2)), minimum(fabs(x1), fabs(x2))
    safe = where(equal(large, 0), 1.0, large)
    return multiply(large, sqrt(add(square(divide(small, safe)), 1.0)))


@op
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log(exp(x1) + exp(x2)) without overflow.

    Examples:
        >>> unidl.ops.logaddexp(np.log([0.25, 0.5]), np.log([0.75, 0.5]))
        array([0., 0.])
        >>> unidl.ops.logaddexp(1000.0, 1000.0)
        array(1000.6932, dtype=float32)
    """
    gap = negative(fabs(subtract(x1, x2)))
    # Of equal infinities the difference is NaN, and means 0.
    return add(maximum(x1, x2), log1p(exp(where(equal(x1, x2), 0.0, gap))))


@op
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """log2(2**x1 + 2**x2) without overflow.

    Examples:
        >>> unidl.ops.logaddexp2([3.0, 10.0], [3.0, 10.0])
        array([ 4., 11.], dtype=float32)
    """
    scale = math.log(2.0)
    return divide(logaddexp(multiply(x1, scale), multiply(x2, scale)), scale)


@op
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Remainder of x1 / x2 with the sign of x1.

    Examples:
        >>> unidl.ops.fmod([-7, 7], [3, -3])  # the sign of the first, unlike in `mod`
        array([-1,  1], dtype=int32)
    """
    return multiply(sign(x1), mod(call("abs", x1), call("abs", x2)))


@op
def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of x1 and x2; a NaN loses against a number.

    Examples:
        >>> unidl.ops.fmax([1.0, np.nan], [2.0, 5.0])  # `maximum` would give nan
        array([2., 5.], dtype=float32)
    """
    return maximum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@op
def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of x1 and x2; a NaN loses against a number.

    Examples:
        >>> unidl.ops.fmin([1.0, np.nan], [2.0, 5.0])
        array([1., 5.], dtype=float32)
    """
    return minimum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@op
def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 * 2**x2.

    Examples:
        >>> unidl.ops.ldexp([1.0, 3.0], [4, -1])
        array([16. ,  1.5], dtype=float32)
    """
    return multiply(x1, exp2(x2))


@op
def isposinf(x: TensorLike) -> Tensor:
    """Whether x is inf.

    Examples:
        >>> unidl.ops.isposinf([np.inf, -np.inf, 1.0])
        array([ True, False, False])
    """
    return equal(x, math.inf)


@op
def isneginf(x: TensorLike) -> Tensor:
    """Whether x is -inf.

    Examples:
        >>> unidl.ops.isneginf([np.inf, -np.inf, 1.0])
        array([False,  True, False])
    """
    return equal(x, -math.inf)


@op
def isclose(
    x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol * |x2|, element by element; with `equal_nan` NaN is close to
    NaN.

    Examples:
        >>> unidl.ops.isclose([1.0, 1.0, np.nan], [1.000001, 1.1, np.nan])
        array([ True, False, False])
        >>> unidl.ops.isclose(np.nan, np.nan, equal_nan=True)
        array(True)
    """
    near = less_equal(fabs(subtract(x1, x2)), add(multiply(fabs(x2), rtol), atol))
    result = logical_or(equal(x1, x2), logical_and(near, isfinite(x2)))
    return logical_or(result, logical_and(isnan(x1), isnan(x2))) if equal_nan else result


@op
def allclose(
    x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close, a 0-d bool tensor; see `isclose`.

    Examples:
        >>> unidl.ops.allclose([1.0, 2.0], [1.0, 2.000001])
        array(True)
    """
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
    of the dtype.

    Examples:
        >>> unidl.ops.nan_to_num([np.nan, 1.0])
        array([0., 1.], dtype=float32)
        >>> unidl.ops.nan_to_num([np.nan, np.inf], nan=-1.0, posinf=100.0)
        array([ -1., 100.], dtype=float32)
    """
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        return x
    largest = _LARGEST[backend.dtype(x)]
    x = where(isposinf(x), largest if posinf is None else posinf, where(isnan(x), nan, x))
    return where(isneginf(x), -largest if neginf is None else neginf, x)

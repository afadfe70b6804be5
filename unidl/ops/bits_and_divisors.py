"""Divisors, signs and neighbours of numbers, their bits, and Bessel's function."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.ops.dispatch import call, op, tensor_of
from unidl.ops.elementwise import abs as abs_
from unidl.ops.elementwise import (
    divide,
    equal,
    floor_divide,
    less,
    logical_and,
    logical_or,
    multiply,
)
from unidl.ops.indexing import where
from unidl.ops.thin_functions import binary, unary
from unidl.typing import DType, Tensor, TensorLike

gcd = binary(
    "gcd",
    """Greatest common divisor of integers, never negative. Without gradient.

    Examples:
        >>> unidl.ops.gcd([12, -8, 0], [18, 12, 5])
        array([6, 4, 5], dtype=int32)
    """,
)
nextafter = binary(
    "nextafter",
    """The float next to x1 on the way to x2, x1 where they are equal. Without gradient.

    Examples:
        >>> unidl.ops.nextafter([1.0], [2.0]) - 1.0 == np.finfo("float32").eps
        array([ True])
    """,
    to_floats=True,
)
i0 = unary(
    "i0",
    """Modified Bessel function of the first kind and order 0; its derivative is that of order 1.

    Examples:
        >>> unidl.ops.i0([0.0, 1.0])
        array([1.    , 1.2661], dtype=float32)
    """,
)


@op
def lcm(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Least common multiple of integers, never negative, 0 if one of them is 0. Without
    gradient.

    Examples:
        >>> unidl.ops.lcm([4, 6, 0], [6, 15, 3])
        array([12, 30,  0], dtype=int32)
    """
    divisor = gcd(x1, x2)
    return abs_(multiply(floor_divide(x1, where(equal(divisor, 0), 1, divisor)), x2))


@op
def signbit(x: TensorLike) -> Tensor:
    """Whether x is negative, also for -0.0; False for NaN. A bool tensor, without gradient.

    Examples:
        >>> unidl.ops.signbit([-1.0, -0.0, 0.0, 1.0])
        array([ True,  True, False, False])
    """
    backend, x = tensor_of(x)
    if backend.dtype(x) == "bool":
        return backend.full_like(x, False)
    if not dtypes.is_float(backend.dtype(x)):
        return less(x, 0)
    return logical_or(less(x, 0), logical_and(equal(x, 0), less(divide(1.0, x), 0)))


@op
def view(x: TensorLike, dtype: DType | None = None) -> Tensor:
    """The bits of x read as `dtype`; a narrower dtype makes the last axis longer, a wider one
    shorter. Without gradient.

    Examples:
        >>> unidl.ops.view(np.array([1.0, -2.0], "float32"), "int32")
        array([ 1065353216, -1073741824], dtype=int32)
    """
    backend, x = tensor_of(x)
    wanted = backend.dtype(x) if dtype is None else dtypes.standardize_dtype(dtype)
    return x if wanted == backend.dtype(x) else call("bitcast", x, dtype=wanted)

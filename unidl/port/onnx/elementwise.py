"""Arithmetic of one or more tensors, element by element."""

from __future__ import annotations

import functools

import numpy as np

from unidl import ops
from unidl.backend import dtypes
from unidl.port.onnx.table import handles, plain
from unidl.port.onnx.values import as_

plain({
    "Abs": ops.abs, "Acos": ops.arccos, "Acosh": ops.arccosh, "Add": ops.add, "Asin": ops.arcsin,
    "Asinh": ops.arcsinh, "Atan": ops.arctan, "Atanh": ops.arctanh, "Ceil": ops.ceil,
    "Cos": ops.cos, "Cosh": ops.cosh, "Erf": ops.erf, "Exp": ops.exp, "Floor": ops.floor,
    "Identity": lambda x: x, "Log": ops.log, "Mul": ops.multiply, "Neg": ops.negative,
    "Reciprocal": ops.reciprocal, "Round": ops.round, "Sign": ops.sign, "Sin": ops.sin,
    "Sinh": ops.sinh, "Sqrt": ops.sqrt, "Sub": ops.subtract, "Tan": ops.tan, "Tanh": ops.tanh,
})  # fmt: skip


@handles("Div")
def divide(node, x, y):
    """Integers are divided with the fraction cut off."""
    dtype = ops.dtype(x)
    if dtypes.is_float(dtype):
        return ops.divide(x, y)
    if dtype in dtypes.UNSIGNED:
        return ops.floor_divide(x, y)
    return ops.multiply(
        ops.multiply(ops.sign(x), ops.sign(y)), ops.floor_divide(ops.abs(x), ops.abs(y))
    )


@handles("Pow")
def power(node, x, y):
    return as_(ops.power(x, y), x)


@handles("Mod")
def modulo(node, x, y):
    """The sign is that of the divisor, with `fmod` that of the dividend."""
    return ops.fmod(x, y) if node["fmod"] else ops.mod(x, y)


@handles("Sum")
def add_all(node, *xs):
    return functools.reduce(ops.add, xs)


@handles("Mean")
def mean_of_all(node, *xs):
    return ops.divide(functools.reduce(ops.add, xs), float(len(xs)))


@handles("Max")
def maximum(node, *xs):
    return functools.reduce(ops.maximum, xs)


@handles("Min")
def minimum(node, *xs):
    return functools.reduce(ops.minimum, xs)


@handles("Clip")
def clip(node, x, low=None, high=None):
    """Bounds are attributes before version 11."""
    if node.since < 11:
        low, high = node["min"], node["max"]
    x = x if low is None else ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


@handles("BitShift")
def shift(node, x, y):
    """By as many bits as `y` says, element by element: times, or divided by, a power of two.

    What is shifted by less than nothing or by all bits is gone: 0, or -1 to the right of a negative
    number.
    """
    dtype, bits = ops.dtype(x), np.iinfo(ops.dtype(x)).bits
    inside = ops.logical_and(ops.greater_equal(y, 0), ops.less(y, bits))
    y = ops.where(inside, y, ops.zeros_like(y))
    # In two steps, since 2**(bits - 1) is no positive number of a signed dtype.
    powers = 2 ** np.arange(bits // 2 + 1, dtype=dtype)
    half = ops.floor_divide(y, 2)
    step = ops.multiply if node["direction"] == "LEFT" else ops.floor_divide
    for count in (half, ops.subtract(y, half)):
        x = step(x, ops.take(powers, ops.cast(count, "int32"), 0))
    if node["direction"] == "LEFT" or dtype in dtypes.UNSIGNED:
        return ops.where(inside, x, ops.zeros_like(x))
    return ops.where(inside, x, ops.where(ops.less(x, 0), ops.full_like(x, -1), ops.zeros_like(x)))

"""Elementwise functions of one and two tensors."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy import error_function, logistic
from unidl_numpy.broadcasting import comparable, same
from unidl_numpy.sums import unbroadcast
from unidl_numpy.tape import ALL, primitive

# -- one tensor, with a gradient
# ---------------------------------------------------------------------


@primitive
def negative(x):
    return np.negative(x), (np.negative,)


@primitive
def abs(x):
    return np.abs(x), (lambda g: g * np.sign(x),)


@primitive
def square(x):
    return x * x, (lambda g: g * (x + x),)


@primitive
def sqrt(x):
    y = np.sqrt(x)
    return y, (lambda g: g * 0.5 / y,)


@primitive
def rsqrt(x):
    y = 1 / np.sqrt(x)
    return y, (lambda g: g * (-0.5 * y / x),)


@primitive
def reciprocal(x):
    y = 1 / x
    return y, (lambda g: -g * y * y,)


@primitive
def exp(x):
    y = np.exp(x)
    return y, (lambda g: g * y,)


@primitive
def expm1(x):
    y = np.expm1(x)
    return y, (lambda g: g * (y + 1),)


@primitive
def log(x):
    return np.log(x), (lambda g: g / x,)


@primitive
def log1p(x):
    return np.log1p(x), (lambda g: g / (1 + x),)


@primitive
def sin(x):
    return np.sin(x), (lambda g: g * np.cos(x),)


@primitive
def cos(x):
    return np.cos(x), (lambda g: -g * np.sin(x),)


@primitive
def tan(x):
    y = np.tan(x)
    return y, (lambda g: g * (1 + y * y),)


@primitive
def arcsin(x):
    return np.arcsin(x), (lambda g: g / np.sqrt((1 - x) * (1 + x)),)


@primitive
def arccos(x):
    return np.arccos(x), (lambda g: -g / np.sqrt((1 - x) * (1 + x)),)


@primitive
def arctan(x):
    return np.arctan(x), (lambda g: g / (1 + x * x),)


@primitive
def sinh(x):
    return np.sinh(x), (lambda g: g * np.cosh(x),)


@primitive
def cosh(x):
    return np.cosh(x), (lambda g: g * np.sinh(x),)


@primitive
def tanh(x):
    y = np.tanh(x)
    return y, (lambda g: g * (1 - y * y),)


@primitive
def arcsinh(x):
    return np.arcsinh(x), (lambda g: g / np.hypot(x, np.ones_like(x)),)


@primitive
def arccosh(x):
    return np.arccosh(x), (lambda g: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),)


@primitive
def arctanh(x):
    return np.arctanh(x), (lambda g: g / ((1 - x) * (1 + x)),)


@primitive
def erf(x):
    return error_function.erf(x), (lambda g: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x),)


@primitive
def erfinv(x):
    y = error_function.erfinv(x)
    return y, (lambda g: g * (math.sqrt(math.pi) / 2) * np.exp(y * y),)


@primitive
def sigmoid(x):
    y = logistic.sigmoid(x)
    return y, (lambda g: g * y * (1 - y),)


@primitive
def clip(x, low, high):
    if x.dtype.kind == "f":
        low, high = (None if bound is None else x.dtype.type(bound) for bound in (low, high))

    def backward(g):
        inside = np.ones(x.shape, bool)
        if low is not None:
            inside &= ~(x < low)
        if high is not None:
            inside &= ~(x > high)
        return g * inside

    y = x
    if low is not None:
        y = np.maximum(y, low)
    if high is not None:
        y = np.minimum(y, high)
    return y, (backward,)


# -- one tensor, without
# --------------------------------------------------------------------------------


def _constant(function):
    """A primitive of any number of tensors through which no gradient flows."""

    @primitive(ALL)
    def call(*args):
        return function(*args), None

    return call


sign, floor, ceil, trunc = (_constant(f) for f in (np.sign, np.floor, np.ceil, np.trunc))
round = _constant(np.rint)
isnan, isinf, isfinite = (_constant(f) for f in (np.isnan, np.isinf, np.isfinite))
logical_not, logical_and, logical_or, logical_xor = (
    _constant(f) for f in (np.logical_not, np.logical_and, np.logical_or, np.logical_xor)
)  # fmt: skip


# -- two tensors
# ---------------------------------------------------------------------------------------


@primitive(2)
def add(x1, x2):
    x1, x2 = same(x1, x2)
    return x1 + x2, (lambda g: unbroadcast(g, x1.shape), lambda g: unbroadcast(g, x2.shape))


@primitive(2)
def subtract(x1, x2):
    x1, x2 = same(x1, x2)
    return x1 - x2, (lambda g: unbroadcast(g, x1.shape), lambda g: unbroadcast(-g, x2.shape))


@primitive(2)
def multiply(x1, x2):
    x1, x2 = same(x1, x2)
    return x1 * x2, (
        lambda g: unbroadcast(g * x2, x1.shape),
        lambda g: unbroadcast(g * x1, x2.shape),
    )


@primitive(2)
def divide(x1, x2):
    x1, x2 = same(x1, x2)
    y = x1 / x2
    return y, (
        lambda g: unbroadcast(g / x2, x1.shape),
        lambda g: unbroadcast(-g * y / x2, x2.shape),
    )


@primitive(2)
def floor_divide(x1, x2):
    x1, x2 = same(x1, x2)
    return x1 // x2, None


@primitive(2)
def mod(x1, x2):
    x1, x2 = same(x1, x2)
    return np.mod(x1, x2), (
        lambda g: unbroadcast(g, x1.shape),
        lambda g: unbroadcast(-g * np.floor(x1 / x2), x2.shape),
    )


@primitive(2)
def power(x1, x2):
    """The gradients at 0 are limits: of x**0 it is 0, of 0**x (x >= 0) too."""
    x1, x2 = same(x1, x2)
    y = np.power(x1, x2)

    def base(g):
        zero = x2 == 0
        return unbroadcast(
            g
            * np.where(
                zero, y.dtype.type(0), x2 * np.power(x1, np.where(zero, y.dtype.type(1), x2 - 1))
            ),
            x1.shape,
        )

    def exponent(g):
        zero = (x1 == 0) & (x2 >= 0)
        return unbroadcast(
            g * np.where(zero, y.dtype.type(0), y * np.log(np.where(zero, y.dtype.type(1), x1))),
            x2.shape,
        )

    return y, (base, exponent)


@primitive(2)
def arctan2(x1, x2):
    x1, x2 = same(x1, x2)

    def norm():
        return x1 * x1 + x2 * x2

    return np.arctan2(x1, x2), (
        lambda g: unbroadcast(g * x2 / norm(), x1.shape),
        lambda g: unbroadcast(-g * x1 / norm(), x2.shape),
    )


def _extreme(function, wins):
    """maximum or minimum: the gradient goes to the operand that wins, half to each at a tie."""

    @primitive(2)
    def call(x1, x2):
        x1, x2 = same(x1, x2)

        def share(g, a, b):
            half = np.where(a == b, g.dtype.type(0.5), wins(a, b).astype(g.dtype))
            return unbroadcast(g * half, a.shape)

        return function(x1, x2), (lambda g: share(g, x1, x2), lambda g: share(g, x2, x1))

    return call


maximum = _extreme(np.maximum, np.greater)
minimum = _extreme(np.minimum, np.less)


def _comparison(function):
    @primitive(2)
    def call(x1, x2):
        return function(*comparable(x1, x2)), None

    return call


equal, not_equal, less, less_equal, greater, greater_equal = (
    _comparison(f)
    for f in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
)


def _bitwise(function):
    @primitive(2)
    def call(x1, x2):
        return function(*same(x1, x2)), None

    return call


bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift = (
    _bitwise(f)
    for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift)
)

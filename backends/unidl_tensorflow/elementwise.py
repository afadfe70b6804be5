"""Elementwise functions, bound from tables; below them those whose TensorFlow namesake breaks a
convention.

Gradients are bent by composition, never by tf.custom_gradient: that one enters a closure into a
process-wide registry each time it is traced, and keeps the whole graph alive for ever.
"""

from __future__ import annotations

import math

from unidl.backend import contract
from unidl.backend.contract import names
from unidl_tensorflow.load import tf

_UNARY = {
    "log": tf.math.log, "log1p": tf.math.log1p, "arcsin": tf.asin, "arccos": tf.acos,
    "arctan": tf.atan, "arcsinh": tf.asinh, "arccosh": tf.acosh, "arctanh": tf.atanh,
    "ceil": tf.math.ceil, "floor": tf.math.floor,
}  # fmt: skip
_PREDICATE = {"isnan": tf.math.is_nan, "isinf": tf.math.is_inf, "isfinite": tf.math.is_finite}
_BINARY = {
    "add": tf.add, "subtract": tf.subtract, "multiply": tf.multiply, "divide": tf.divide,
    "arctan2": tf.atan2, "equal": tf.equal, "not_equal": tf.not_equal,
    "bitwise_and": tf.bitwise.bitwise_and, "bitwise_or": tf.bitwise.bitwise_or,
    "bitwise_xor": tf.bitwise.bitwise_xor,
}  # fmt: skip
_ORDER = ("less", "less_equal", "greater", "greater_equal")
_WRITTEN_HERE = (
    "erf",
    "erfinv",
    "negative",
    "abs",
    "sign",
    "trunc",
    "power",
    "maximum",
    "minimum",
    "floor_divide",
    "mod",
)


def pair(x1, x2):
    """Both as tensors: TensorFlow takes a Python number on the right of a tensor, on the left it
    guesses its dtype."""
    if not hasattr(x1, "dtype"):
        x1 = tf.constant(x1, x2.dtype)
    elif not hasattr(x2, "dtype"):
        x2 = tf.constant(x2, x1.dtype)
    return x1, x2


def _quotient(function, x1, x2, is_known):
    """`function` of integers, 0 where the divisor is, of which TensorFlow makes an error;
    `is_known`: that it is not."""
    if is_known:
        return function(x1, x2)
    zero = tf.equal(x2, 0)
    y = function(x1, tf.where(zero, tf.ones_like(x2), x2))
    return tf.where(zero, tf.zeros_like(y), y)


class Elementwise(contract.Math):
    def negative(self, x):
        return tf.zeros_like(x) - x if x.dtype.is_unsigned else tf.negative(x)

    def abs(self, x):
        return x if x.dtype.is_unsigned else tf.abs(x)

    def sign(self, x):
        return tf.cast(x > 0, x.dtype) if x.dtype.is_unsigned else tf.sign(x)

    def trunc(self, x):
        return tf.where(x < 0, tf.math.ceil(x), tf.math.floor(x)) if x.dtype.is_floating else x

    def erf(self, x):
        """The float64 kernel gives NaN at infinity."""
        return (
            tf.math.erf(x)
            if x.dtype != tf.float64
            else tf.where(tf.abs(x) > 27, tf.sign(x), tf.math.erf(x))
        )

    def erfinv(self, x):
        """In float64 always: TensorFlow's is a quantile of (x + 1) / 2, of a small x it keeps no
        digit (1e-10: 0) and in float32 it is off by 65 units in the last place elsewhere. One step
        of Newton's method on erf brings the digits back.
        """
        still = tf.cast(tf.stop_gradient(x), tf.float64)
        y = tf.math.erfinv(still)
        slope = tf.exp(tf.square(y)) * (math.sqrt(math.pi) / 2)
        y = tf.where(tf.abs(still) < 0.5, y - (tf.math.erf(y) - still) * slope, y)
        slope = tf.where(tf.math.is_finite(slope), slope, tf.zeros_like(slope))
        return tf.cast(tf.stop_gradient(y), x.dtype) + tf.cast(slope, x.dtype) * (
            x - tf.stop_gradient(x)
        )

    def power(self, x1, x2):
        """x ** 0 has slope 0 at x = 0 too, where TensorFlow computes 0 * 0 ** -1."""
        if isinstance(x2, (int, float)) and x2 == 2:
            return tf.square(x1)
        x1, x2 = pair(x1, x2)
        if x1.dtype.is_floating:
            x1 = tf.where(tf.logical_and(x1 == 0, x2 == 0), tf.ones_like(x1), x1)
            return tf.pow(x1, x2)
        return (
            tf.pow(x1, x2)
            if not x1.dtype.is_unsigned
            else tf.cast(tf.pow(tf.cast(x1, tf.int64), tf.cast(x2, tf.int64)), x1.dtype)
        )

    def maximum(self, x1, x2):
        return self._extreme(tf.maximum, x1, x2)

    def minimum(self, x1, x2):
        return self._extreme(tf.minimum, x1, x2)

    @staticmethod
    def _extreme(function, x1, x2):
        """Equal arguments are averaged, so that they share the gradient; TensorFlow gives all of it
        to the first."""
        x1, x2 = pair(x1, x2)
        result = function(x1, x2)
        return (
            tf.where(tf.equal(x1, x2), x1 * 0.5 + x2 * 0.5, result)
            if x1.dtype.is_floating
            else result
        )

    def floor_divide(self, x1, x2):
        """From the remainder, which is exact: floor(1 / 0.1) is 10, but 1 // 0.1 is 9."""
        is_known = not tf.is_tensor(x2) and bool(x2)
        x1, x2 = pair(x1, x2)
        if not x1.dtype.is_floating:
            return _quotient(tf.math.floordiv, x1, x2, is_known)
        rest = tf.truncatemod(x1, x2)
        quotient = tf.round((x1 - rest) / x2)
        other_sign = tf.logical_and(tf.not_equal(rest, 0), tf.not_equal(rest < 0, x2 < 0))
        quotient = tf.where(other_sign, quotient - 1, quotient)
        return tf.stop_gradient(tf.where(tf.equal(x2, 0), x1 / x2, quotient))

    def mod(self, x1, x2):
        is_known = not tf.is_tensor(x2) and bool(x2)
        x1, x2 = pair(x1, x2)
        if not x1.dtype.is_floating:
            return _quotient(tf.math.floormod, x1, x2, is_known)
        return tf.math.floormod(x1, x2)

    def logical_not(self, x):
        return tf.logical_not(x)

    def left_shift(self, x, bits):
        return tf.bitwise.left_shift(x, tf.constant(bits, x.dtype))

    def right_shift(self, x, bits):
        return tf.bitwise.right_shift(x, tf.constant(bits, x.dtype))

    def divide_no_nan(self, x1, x2):
        return tf.math.divide_no_nan(*pair(x1, x2))

    def rsqrt(self, x):
        return tf.math.rsqrt(x)


def _unary(function):
    return lambda self, x: function(x)


def _predicate(function, of_integers):
    return lambda self, x: function(x) if x.dtype.is_floating else tf.fill(tf.shape(x), of_integers)


def _binary(function):
    return lambda self, x1, x2: function(*pair(x1, x2))


def _order(function):
    def compare(self, x1, x2):
        x1, x2 = pair(x1, x2)
        return (
            function(tf.cast(x1, tf.uint8), tf.cast(x2, tf.uint8))
            if x1.dtype == tf.bool
            else function(x1, x2)
        )

    return compare


def _bind(name, function):
    function.__name__, function.__qualname__ = name, f"Elementwise.{name}"
    setattr(Elementwise, name, function)


for _name in names.UNARY:
    if _name not in _WRITTEN_HERE:
        _bind(_name, _unary(_UNARY.get(_name) or getattr(tf.math, _name)))
for _name, _function in _PREDICATE.items():
    _bind(_name, _predicate(_function, _name == "isfinite"))
for _name in (*names.BINARY, *names.BITWISE, *names.LOGICAL, "equal", "not_equal"):
    if _name not in _WRITTEN_HERE:
        _bind(_name, _binary(_BINARY.get(_name) or getattr(tf.math, _name)))
for _name in _ORDER:
    _bind(_name, _order(getattr(tf.math, _name)))

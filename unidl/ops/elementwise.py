"""Elementwise functions, by NumPy's names. Arguments broadcast; dtypes are promoted; integers become `floatx` where needed."""

from __future__ import annotations

from unidl.ops.dispatch import call, call_float, call_promoted, op

_UNARY_FLOAT = {
    "exp": "e**x.",
    "expm1": "e**x - 1, accurate near 0.",
    "log": "Natural logarithm.",
    "log1p": "log(1 + x), accurate near 0.",
    "sqrt": "Square root.",
    "rsqrt": "1 / sqrt(x).",
    "sin": "Sine of radians.",
    "cos": "Cosine of radians.",
    "tan": "Tangent of radians.",
    "arcsin": "Inverse sine, in radians.",
    "arccos": "Inverse cosine, in radians.",
    "arctan": "Inverse tangent, in radians.",
    "sinh": "Hyperbolic sine.",
    "cosh": "Hyperbolic cosine.",
    "tanh": "Hyperbolic tangent.",
    "arcsinh": "Inverse hyperbolic sine.",
    "arccosh": "Inverse hyperbolic cosine.",
    "arctanh": "Inverse hyperbolic tangent.",
    "erf": "Error function, 2/sqrt(pi) times the integral of exp(-t**2) from 0 to x.",
    "erfinv": "Inverse of `erf`.",
    "reciprocal": "1 / x.",
}
_UNARY = {
    "negative": "-x.",
    "abs": "Absolute value; its gradient at 0 is 0.",
    "sign": "-1, 0 or 1.",
    "square": "x * x.",
    "floor": "Largest integer not above x, in x's dtype.",
    "ceil": "Smallest integer not below x, in x's dtype.",
    "trunc": "x without its fraction.",
    "isnan": "Where x is NaN, as bool.",
    "isinf": "Where x is infinite, as bool.",
    "isfinite": "Where x is neither NaN nor infinite, as bool.",
}
_BINARY = {
    "add": "x1 + x2.",
    "subtract": "x1 - x2.",
    "multiply": "x1 * x2.",
    "floor_divide": "floor(x1 / x2).",
    "mod": "x1 - floor(x1 / x2) * x2: has the sign of x2.",
    "power": "x1 ** x2.",
    "maximum": "The larger of both; equal ones share the gradient.",
    "minimum": "The smaller of both; equal ones share the gradient.",
    "equal": "x1 == x2, as bool.",
    "not_equal": "x1 != x2, as bool.",
    "less": "x1 < x2, as bool.",
    "less_equal": "x1 <= x2, as bool.",
    "greater": "x1 > x2, as bool.",
    "greater_equal": "x1 >= x2, as bool.",
    "bitwise_and": "Bits set in both, of integers.",
    "bitwise_or": "Bits set in either, of integers.",
    "bitwise_xor": "Bits set in one only, of integers.",
}


def _define(name, doc, caller, arguments, **options):
    if arguments == 1:

        def function(x):
            return caller(name, x, **options)
    else:

        def function(x1, x2):
            return caller(name, x1, x2, **options)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    globals()[name] = op(function)


for _name, _doc in _UNARY_FLOAT.items():
    _define(_name, _doc, call_float, 1)
for _name, _doc in _UNARY.items():
    _define(_name, _doc, call, 1)
for _name, _doc in _BINARY.items():
    _define(_name, _doc, call_promoted, 2)
_define("divide", "x1 / x2; integers become floats first.", call_promoted, 2, to_floats=True)
_define("arctan2", "Angle of the point (x2, x1), in radians.", call_promoted, 2, to_floats=True)

absolute, true_divide = globals()["abs"], globals()["divide"]


@op
def round(x, decimals=0):
    """To the nearest number with `decimals` decimals, halves to the even one; the gradient is 0."""
    if not decimals:
        return call("round", x)
    scale = 10.0**decimals
    return call_promoted("divide", call("round", call_promoted("multiply", x, scale)), scale)


@op
def clip(x, x_min, x_max):
    """x within [x_min, x_max], Python numbers or None; the gradient passes at the bounds."""
    return call("clip", x, low=x_min, high=x_max)


def _to_bool(x):
    from unidl.ops.core import cast

    return cast(x, "bool")


@op
def logical_and(x1, x2):
    """Both, of bools."""
    return call("logical_and", _to_bool(x1), _to_bool(x2))


@op
def logical_or(x1, x2):
    """Either, of bools."""
    return call("logical_or", _to_bool(x1), _to_bool(x2))


@op
def logical_xor(x1, x2):
    """One but not both, of bools."""
    return call("logical_xor", _to_bool(x1), _to_bool(x2))


@op
def logical_not(x):
    """The opposite, of bools."""
    return call("logical_not", _to_bool(x))


@op
def left_shift(x, y):
    """Integers times 2**y, `y` a Python int."""
    return call("left_shift", x, bits=y)


@op
def right_shift(x, y):
    """Integers divided by 2**y and rounded down, `y` a Python int."""
    return call("right_shift", x, bits=y)


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


@op
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow."""
    top = call_promoted("maximum", x1, x2, to_floats=True)
    gap = call("negative", call("abs", call_promoted("subtract", x1, x2, to_floats=True)))
    return call_promoted("add", top, call_float("log1p", call_float("exp", gap)))


@op
def log2(x):
    """Logarithm to base 2."""
    return call_promoted("multiply", call_float("log", x), 1.4426950408889634)


@op
def log10(x):
    """Logarithm to base 10."""
    return call_promoted("multiply", call_float("log", x), 0.4342944819032518)

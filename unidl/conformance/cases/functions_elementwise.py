"""Elementwise functions: every unary, predicate, binary, comparison, logical and bitwise primitive,
and their edges."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, booleans, integers, normal, uniform

INF, NAN = np.inf, np.nan

# Ranges within each function's domain, away from its poles.
RANGES = {
    "negative": (-3, 3), "abs": (-3, 3), "sign": (-3, 3), "square": (-3, 3), "sqrt": (0.01, 9),
    "exp": (-5, 5), "expm1": (-2, 2), "log": (0.01, 9), "log1p": (-0.9, 9), "sin": (-9, 9),
    "cos": (-9, 9), "tan": (-1.4, 1.4), "arcsin": (-0.9, 0.9), "arccos": (-0.9, 0.9),
    "arctan": (-5, 5), "sinh": (-4, 4), "cosh": (-4, 4), "tanh": (-4, 4), "arcsinh": (-5, 5),
    "arccosh": (1.1, 9), "arctanh": (-0.9, 0.9), "floor": (-3, 3), "ceil": (-3, 3),
    "round": (-3, 3), "trunc": (-3, 3), "erf": (-3, 3), "erfinv": (-0.95, 0.95), "sigmoid": (-9, 9),
    "rsqrt": (0.01, 9), "reciprocal": (0.1, 9),
}  # fmt: skip
# Derivatives that kernels make of the value, like 1 - tanh(x)**2, or of a rounded square.
CANCELLING = {"tanh", "sigmoid", "erf"}
EXACT = {"negative", "abs", "sign", "floor", "ceil", "round", "trunc"}


def _unary(name, label, values, **options):
    return Case(name, label, lambda B, x: getattr(B, name)(x), {"x": values}, **options)


def _binary(name, label, x, y, **options):
    return Case(name, label, lambda B, a, b: getattr(B, name)(a, b), {"x1": x, "x2": y}, **options)


def _kind(name):
    return "exact" if name in EXACT else "noise" if name in CANCELLING else "ulp"


UNARY = [
    _unary(name, "", uniform(low, high, 3, 50), kind=_kind(name))
    for name, (low, high) in RANGES.items()
]
UNARY += [
    _unary(name, "empty", np.zeros((0, 3)), kind="exact", traced=False)
    for name in ("exp", "negative", "sigmoid")
]

KINKS = [
    _unary("abs", "kink", [-0.0, 0.0, 1.0, -1.0], kind="exact"),
    _unary("abs", "integers", np.array([-3, 0, 3], "int32")),
    _unary("negative", "integers", np.array([-3, 0, 3], "int32")),
    _unary("sign", "integers", np.array([-3, 0, 3], "int32")),
    _unary("square", "integers", np.array([-3, 0, 3], "int64")),
    _unary("sign", "zero and NaN", [-0.0, 0.0, NAN, INF, -INF], kind="exact"),
    _unary("sqrt", "zero", [0.0, 1.0, INF], kind="ulp"),
    _unary("sqrt", "negative is NaN", [-1.0, 4.0], kind="ulp"),
    _unary("log", "zero", [0.0, 1.0, INF], kind="ulp"),
    _unary("log", "negative is NaN", [-1.0, 2.0], kind="ulp"),
    _unary("log1p", "tiny and pole", [1e-20, -1e-10, 0.0, -1.0], kind="ulp"),
    _unary("expm1", "tiny and saturated", [1e-20, -1e-10, 0.0, -100.0, -INF], kind="ulp"),
    _unary("exp", "overflow and underflow", [1000.0, -1000.0, INF, -INF, NAN], kind="ulp"),
    _unary("tanh", "saturated and tiny", [50.0, -50.0, INF, -INF, 1e-20], kind="ulp"),
    _unary("sigmoid", "saturated", [100.0, -100.0, 1000.0, -1000.0, INF, -INF, -80.0], kind="ulp"),
    _unary("erf", "saturated and tiny", [6.0, -6.0, INF, 1e-20, 0.0], kind="ulp"),
    _unary("erfinv", "bounds", [0.0, 0.999, -0.999, 1e-10], kind="ulp"),
    _unary("erfinv", "poles", [1.0, -1.0, 2.0], kind="ulp", gradients=False),
    _unary("arcsinh", "large, negative and tiny", [1e10, -1e10, -1e4, 1e-10, 0.0], kind="ulp"),
    _unary("arctanh", "tiny", [1e-10, -1e-10, 0.0], kind="ulp"),
    _unary("arccosh", "large", [1e10, 1.5, 2.0], kind="ulp"),
    _unary("arccosh", "near one", [1.0001, 1.01]),
    _unary("sinh", "tiny", [1e-10, -1e-10, 0.0], kind="ulp"),
    _unary(
        "round", "half to even", [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 0.49999997], kind="exact"
    ),
    _unary("floor", "integers and infinities", [-1.0, 0.0, 1.0, INF, -INF], kind="exact"),
    _unary("ceil", "integers and infinities", [-1.0, 0.0, 1.0, INF, -INF], kind="exact"),
    _unary("trunc", "both signs", [-1.7, -0.2, 0.2, 1.7], kind="exact"),
    _unary("exp", "scalar", 0.5, kind="ulp"),
    _unary("negative", "denormals stay", [1e-40, -1e-45], kind="exact"),
    _unary("square", "denormal result", [1e-20, 1e-19], kind="ulp"),
]

PREDICATES = [
    _unary(name, "", [0.0, 1.0, NAN, INF, -INF, 1e-40], gradients=False)
    for name in ("isnan", "isinf", "isfinite")
]

BINARY = [
    _binary("add", "broadcast", normal(3, 1, 4), normal(5, 1), kind="linear"),
    _binary(
        "subtract", "broadcast", normal(3, 4), normal(4), scale=lambda x, y: np.abs(x) + np.abs(y)
    ),
    _binary("multiply", "broadcast", normal(2, 1, 4), normal(3, 1), kind="linear"),
    _binary("divide", "", normal(3, 4), uniform(0.5, 2, 3, 4), kind="ulp"),
    _binary("divide", "broadcast", normal(3, 4), uniform(0.5, 2, 4)),
    _binary("divide", "by zero", [1.0, -1.0, 0.0], [0.0, 0.0, 0.0], kind="ulp", gradients=False),
    _binary("divide_no_nan", "", normal(3, 4), uniform(0.5, 2, 4), kind="ulp"),
    _binary("divide_no_nan", "by zero", [1.0, -2.0, 0.0, 3.0], [0.0, 4.0, 0.0, -0.0], kind="ulp"),
    _binary("power", "", uniform(0.2, 3, 3, 4), uniform(-2, 2, 3, 4), kind="ulp"),
    _binary("power", "zero base", [0.0, 0.0, 0.0], [2.0, 1.0, 3.0], kind="ulp"),
    _binary(
        "power",
        "negative base, whole exponents",
        [-2.0, -3.0],
        [2.0, 3.0],
        kind="ulp",
        gradients=False,
    ),
    _binary("arctan2", "", normal(3, 4), normal(3, 4), kind="ulp"),
    _binary(
        "arctan2",
        "quadrants and axes",
        [1.0, 1.0, -1.0, -1.0, 0.0, 1.0],
        [1.0, -1.0, 1.0, -1.0, -1.0, 0.0],
        kind="ulp",
    ),
    _binary("maximum", "ties", [1.0, 2.0, 3.0, 0.0], [1.0, 3.0, 2.0, -0.0], kind="exact"),
    _binary("minimum", "ties", [1.0, 2.0, 3.0, 0.0], [1.0, 3.0, 2.0, -0.0], kind="exact"),
    _binary("maximum", "NaN wins", [NAN, 1.0, NAN], [1.0, NAN, NAN], kind="exact", gradients=False),
    _binary("minimum", "NaN wins", [NAN, 1.0, NAN], [1.0, NAN, NAN], kind="exact", gradients=False),
    _binary("maximum", "broadcast ties", [[1.0, 2.0], [2.0, 2.0]], [2.0, 2.0], kind="exact"),
    _binary("minimum", "broadcast", normal(3, 1, 4), normal(2, 1), kind="exact"),
    _binary(
        "mod",
        "both signs",
        [5.5, -5.5, 5.5, -5.5, 4.0, -4.0],
        [3.0, 3.0, -3.0, -3.0, 2.0, 2.0],
        kind="ulp",
    ),
    _binary(
        "floor_divide",
        "both signs",
        [5.5, -5.5, 5.5, -5.5, 4.0, -4.0],
        [3.0, 3.0, -3.0, -3.0, 2.0, 2.0],
        kind="exact",
    ),
    _binary(
        "mod",
        "by zero",
        [1.0, -1.0, 0.0, NAN],
        [0.0, -0.0, 0.0, 0.0],
        kind="exact",
        gradients=False,
    ),
    _binary(
        "mod",
        "integers of both signs",
        np.array([7, -7, 7, -7, 6], "int32"),
        np.array([3, 3, -3, -3, -3], "int32"),
    ),
    _binary(
        "floor_divide",
        "integers of both signs",
        np.array([7, -7, 7, -7, 6], "int32"),
        np.array([3, 3, -3, -3, -3], "int32"),
    ),
    _binary(
        "mod", "int64", integers(-50, 50, 20, dtype="int64"), integers(1, 9, 20, dtype="int64")
    ),
    _binary(
        "floor_divide",
        "uint8",
        integers(0, 200, 20, dtype="uint8"),
        integers(1, 9, 20, dtype="uint8"),
    ),
    _binary(
        "add",
        "int64 beyond float precision",
        np.array([2**53, -(2**53)], "int64"),
        np.array([1, -1], "int64"),
    ),
    _binary(
        "multiply",
        "int32 wraps around",
        np.array([2**30, -(2**30)], "int32"),
        np.array([3, 5], "int32"),
    ),
    _binary("add", "uint8 wraps around", np.array([250, 5], "uint8"), np.array([10, 5], "uint8")),
    _binary("add", "empty", np.zeros((0, 3)), normal(3), kind="linear", traced=False),
    _binary("add", "scalars", 1.5, 2.25, kind="linear"),
    _binary(
        "subtract", "infinities", [INF, INF, -INF], [INF, 1.0, 1.0], kind="ulp", gradients=False
    ),
    _binary(
        "multiply",
        "zero times infinity",
        [0.0, 2.0, NAN],
        [INF, INF, 1.0],
        kind="ulp",
        gradients=False,
    ),
]

NUMBERS = [
    Case(
        "subtract",
        "number on the left",
        lambda B, x: B.subtract(1.0, x),
        {"x": normal(3, 4)},
        scale=lambda x: 1 + np.abs(x),
    ),
    Case(
        "divide",
        "number on the left",
        lambda B, x: B.divide(2.0, x),
        {"x": uniform(0.5, 2, 3, 4)},
        kind="ulp",
    ),
    Case(
        "power",
        "number for the exponent",
        lambda B, x: B.power(x, 3),
        {"x": normal(3, 4)},
        kind="ulp",
    ),
    Case(
        "power",
        "number for the base",
        lambda B, x: B.power(2.0, x),
        {"x": normal(3, 4)},
        kind="ulp",
    ),
    Case("power", "half of zero", lambda B, x: B.power(x, 0.5), {"x": [0.0, 4.0]}, kind="ulp"),
    Case(
        "maximum",
        "number, tie",
        lambda B, x: B.maximum(x, 0.0),
        {"x": [-1.0, 0.0, 1.0]},
        kind="exact",
    ),
    Case(
        "minimum",
        "number on the left, tie",
        lambda B, x: B.minimum(0.0, x),
        {"x": [-1.0, 0.0, 1.0]},
        kind="exact",
    ),
    Case(
        "mod",
        "number for the divisor",
        lambda B, x: B.mod(x, 3.0),
        {"x": uniform(-9, 9, 3, 4)},
        kind="ulp",
    ),
    Case(
        "floor_divide",
        "number for the divisor",
        lambda B, x: B.floor_divide(x, 2),
        {"x": np.array([-3, 3, 4], "int32")},
    ),
    Case(
        "mod",
        "number for the divisor, integers",
        lambda B, x: B.mod(x, 3),
        {"x": np.array([-7, 7, 6], "int64")},
    ),
    Case("add", "number to integers", lambda B, x: B.add(x, 2), {"x": np.array([1, 2], "int32")}),
    Case(
        "arctan2",
        "number on the left",
        lambda B, x: B.arctan2(1.0, x),
        {"x": normal(3, 4)},
        kind="ulp",
    ),
]

CLIP = [
    Case(
        "clip",
        "passes at its bounds",
        lambda B, x: B.clip(x, -1.0, 2.0),
        {"x": [-2.0, -1.0, 0.0, 2.0, 3.0]},
        kind="exact",
    ),
    Case(
        "clip",
        "open below",
        lambda B, x: B.clip(x, None, 0.5),
        {"x": [-2.0, 0.5, 3.0]},
        kind="exact",
    ),
    Case(
        "clip",
        "open above",
        lambda B, x: B.clip(x, 0.5, None),
        {"x": [-2.0, 0.5, 3.0]},
        kind="exact",
    ),
    Case(
        "clip",
        "NaN stays",
        lambda B, x: B.clip(x, 0.0, 1.0),
        {"x": [NAN, INF, -INF]},
        kind="exact",
        gradients=False,
    ),
    Case("clip", "integers", lambda B, x: B.clip(x, 0, 5), {"x": np.array([-3, 2, 9], "int32")}),
]

COMPARISONS = [
    _binary(name, label, x, y, gradients=False)
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    for label, x, y in (
        ("floats with NaN", [1.0, 2.0, NAN, INF, 0.0], [1.0, 3.0, NAN, INF, -0.0]),
        ("integers, broadcast", integers(0, 3, 4, 1), integers(0, 3, 5)),
        (
            "int64 beyond float precision",
            np.array([2**53 + 1], "int64"),
            np.array([2**53], "int64"),
        ),
    )
]
COMPARISONS += [
    Case(
        name,
        "number",
        lambda B, x, name=name: getattr(B, name)(x, 1),
        {"x": [0.0, 1.0, 2.0]},
        gradients=False,
    )
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
]

LOGICAL = [
    _binary(name, "broadcast", booleans(3, 4), booleans(4))
    for name in ("logical_and", "logical_or", "logical_xor")
]
LOGICAL += [
    _unary("logical_not", "", booleans(7)),
    _binary("equal", "bools", booleans(9), booleans(9)),
    _binary("not_equal", "bools", booleans(9), booleans(9)),
]

BITWISE = [
    _binary(name, dtype, integers(0, 100, 9, dtype=dtype), integers(0, 100, 9, dtype=dtype))
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    for dtype in ("int32", "int64", "uint8")
]
BITWISE += [
    _binary("bitwise_xor", "negative", np.array([-1, -5], "int32"), np.array([3, -7], "int32")),
    Case("bitwise_and", "number", lambda B, x: B.bitwise_and(x, 6), {"x": integers(0, 100, 9)}),
    Case(
        "left_shift",
        "int32",
        lambda B, x: B.left_shift(x, 3),
        {"x": np.array([0, 1, 5, -3], "int32")},
    ),
    Case(
        "left_shift",
        "int64",
        lambda B, x: B.left_shift(x, 33),
        {"x": np.array([0, 1, 5, -3], "int64")},
    ),
    Case(
        "right_shift",
        "keeps the sign",
        lambda B, x: B.right_shift(x, 2),
        {"x": np.array([0, 1, 5, -3, -9], "int32")},
    ),
    Case(
        "right_shift",
        "int64",
        lambda B, x: B.right_shift(x, 33),
        {"x": np.array([2**40, -(2**40), 7], "int64")},
    ),
]

CASES = [*UNARY, *KINKS, *PREDICATES, *BINARY, *NUMBERS, *CLIP, *COMPARISONS, *LOGICAL, *BITWISE]

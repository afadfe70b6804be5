"""Elementwise functions against NumPy; gradients against formulas or central differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.backends.mxnet.checks import check

rng = np.random.RandomState(0)
ANY = rng.randn(3, 4) + 0.01
POSITIVE = np.abs(ANY) + 0.3
UNIT = np.tanh(ANY) * 0.9
KINKY = np.array([-2.5, -1.5, -0.5, 0.4, 0.5, 1.5, 2.5, 2.6])

UNARY = {
    "negative": (np.negative, ANY), "abs": (np.abs, ANY), "sign": (np.sign, ANY), "square": (np.square, ANY),
    "sqrt": (np.sqrt, POSITIVE), "exp": (np.exp, ANY), "expm1": (np.expm1, ANY * 1e-3), "log": (np.log, POSITIVE),
    "log1p": (np.log1p, POSITIVE * 1e-3), "sin": (np.sin, ANY), "cos": (np.cos, ANY), "tan": (np.tan, UNIT),
    "arcsin": (np.arcsin, UNIT), "arccos": (np.arccos, UNIT), "arctan": (np.arctan, ANY), "sinh": (np.sinh, ANY),
    "cosh": (np.cosh, ANY), "tanh": (np.tanh, ANY), "arcsinh": (np.arcsinh, ANY), "arccosh": (np.arccosh, POSITIVE + 1),
    "arctanh": (np.arctanh, UNIT), "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), ANY * 3), "rsqrt": (lambda x: x**-0.5, POSITIVE),
    "reciprocal": (np.reciprocal, POSITIVE), "relu": (lambda x: np.maximum(x, 0), ANY),
    "erf": (np.vectorize(math.erf), ANY),
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    reference, x = UNARY[name]
    check(lambda b, x: getattr(b, name)(x), reference, x, rtol32=1e-6)


def test_erf_has_an_exact_derivative():
    x = np.array([-3.0, -0.4, 0.0, 0.7, 2.0])
    check(
        lambda b, x: b.erf(x),
        np.vectorize(math.erf),
        x,
        gradient=lambda x: 2 / math.sqrt(math.pi) * np.exp(-(x**2)),
        gradient_rtol=1e-14,
    )


def test_erfinv():
    y = np.array([-2.0, -0.7, -0.1, 0.0, 0.3, 1.1, 2.4])
    x = np.vectorize(math.erf)(y)
    check(
        lambda b, x: b.erfinv(x), lambda _: y, x, dtypes=("float64",), rtol64=1e-12,
        gradient=lambda x: np.exp(y**2) * math.sqrt(math.pi) / 2, gradient_rtol=1e-10,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc"])
def test_rounding(name):
    check(lambda b, x: getattr(b, name)(x), getattr(np, name), KINKY, gradient=np.zeros_like)
    check(lambda b, x: getattr(b, name)(x), lambda x: x, np.array([3, -4], "int64"), grad=False)


BINARY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "mod": np.mod,
    "arctan2": np.arctan2, "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    function = BINARY[name]
    check(lambda b, x, y: getattr(b, name)(x, y), function, ANY, POSITIVE[0])
    check(lambda b, x: getattr(b, name)(x, 0.7), lambda x: function(x, 0.7), ANY)
    check(lambda b, x: getattr(b, name)(0.7, x), lambda x: function(0.7, x), ANY)


def test_power():
    check(lambda b, x, y: b.power(x, y), np.power, POSITIVE, ANY)
    check(lambda b, x: b.power(x, 3), lambda x: x**3, ANY)
    check(lambda b, x: b.power(2.0, x), lambda x: 2.0**x, ANY)


def test_floor_divide():
    x, y = np.array([7.0, -7, 7, -7, 1.0, 6, 0.3]), np.array([2.0, 2, -2, -2, 0.1, 3, 0.1])
    check(
        lambda b, x, y: b.floor_divide(x, y), np.floor_divide, x, y, grad=False, dtypes=("float64",)
    )
    for dtype in ("int32", "int64", "uint8"):
        a, c = (
            (np.array([7, 8, 200, 0]), np.array([2, 3, 7, 5]))
            if dtype == "uint8"
            else (np.array([7, -7, 2**30 + 1, -5]), np.array([-2, 2, 3, 5]))
        )
        check(
            lambda b, x, y: b.floor_divide(x, y),
            np.floor_divide,
            a.astype(dtype),
            c.astype(dtype),
            grad=False,
        )
    check(
        lambda b, x: b.floor_divide(x, 3),
        lambda x: x // 3,
        np.array([2**60 + 1, -(2**60)]),
        grad=False,
    )


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize(
    "name",
    [
        "add",
        "subtract",
        "multiply",
        "maximum",
        "minimum",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
    ],
)
def test_integers(name, dtype):
    x, y = np.array([200, 3, 17, 0], dtype), np.array([100, 5, 2, 7], dtype)
    check(lambda b, x, y: getattr(b, name)(x, y), getattr(np, name), x, y, grad=False)
    check(
        lambda b, x: getattr(b, name)(x, 5),
        lambda x: getattr(np, name)(x, np.array(5, dtype)),
        x,
        grad=False,
    )


def test_large_integers_are_exact():
    x = np.array([2**53 + 1, -(2**60)])
    check(lambda b, x: b.add(x, 2**55 + 1), lambda x: x + 2**55 + 1, x, grad=False)
    check(lambda b, x: b.right_shift(b.left_shift(x, 2), 5), lambda x: (x << 2) >> 5, x, grad=False)
    check(lambda b, x: b.greater(x, 2**53), lambda x: x > 2**53, x, grad=False)


@pytest.mark.parametrize(
    "name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
)
def test_comparison(name):
    function = getattr(np, name)
    check(lambda b, x, y: getattr(b, name)(x, y), function, KINKY, KINKY[::-1].copy(), grad=False)
    check(lambda b, x: getattr(b, name)(x, 0.5), lambda x: function(x, 0.5), KINKY, grad=False)
    check(lambda b, x: getattr(b, name)(0.5, x), lambda x: function(0.5, x), KINKY, grad=False)
    check(
        lambda b, x: getattr(b, name)(x, 1.5),
        lambda x: function(x, 1.5),
        np.array([1, 2, 3]),
        grad=False,
    )


def test_logic():
    p, q = np.array([True, True, False, False]), np.array([True, False, True, False])
    for name in ("logical_and", "logical_or", "logical_xor", "equal", "maximum", "minimum"):
        check(
            lambda b, x, y, name=name: getattr(b, name)(x, y), getattr(np, name), p, q, grad=False
        )
    check(lambda b, x: b.logical_not(x), np.logical_not, p, grad=False)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0])
    for name in ("isnan", "isinf", "isfinite"):
        check(lambda b, x, name=name: getattr(b, name)(x), getattr(np, name), special, grad=False)
        check(
            lambda b, x, name=name: getattr(b, name)(x),
            getattr(np, name),
            np.array([1, 2]),
            grad=False,
        )


def test_ties_are_split_evenly():
    x, y = np.array([1.0, 2.0, np.inf, 0.0]), np.array([1.0, 1.0, np.inf, 3.0])
    check(
        lambda b, x, y: b.maximum(x, y),
        np.maximum,
        x,
        y,
        gradient=lambda x, y: [np.array([0.5, 1, 0.5, 0]), np.array([0.5, 0, 0.5, 1])],
    )
    check(
        lambda b, x, y: b.minimum(x, y),
        np.minimum,
        x,
        y,
        gradient=lambda x, y: [np.array([0.5, 0, 0.5, 1]), np.array([0.5, 1, 0.5, 0])],
    )
    check(
        lambda b, x: b.maximum(x, 0.0),
        lambda x: np.maximum(x, 0),
        x,
        gradient=lambda x: np.array([1, 1, 1, 0.5]),
    )
    nan = np.array([np.nan, 1.0])
    check(lambda b, x, y: b.maximum(x, y), np.maximum, nan, nan[::-1].copy(), grad=False)


def test_kinks():
    x = np.array([-1.0, 0.0, 1.0, 6.0, 7.0])
    check(lambda b, x: b.abs(x), np.abs, x, gradient=lambda x: np.sign(x))
    check(
        lambda b, x: b.clip(x, 0, 6),
        lambda x: np.clip(x, 0, 6),
        x,
        gradient=lambda x: np.array([0.0, 1, 1, 1, 0]),
    )
    check(
        lambda b, x: b.clip(x, None, 6),
        lambda x: np.clip(x, None, 6),
        x,
        gradient=lambda x: np.array([1.0, 1, 1, 1, 0]),
    )
    check(
        lambda b, x: b.clip(x, -1, 3), lambda x: np.clip(x, -1, 3), np.array([-5, 2, 9]), grad=False
    )
    check(
        lambda b, x: b.relu(x),
        lambda x: np.maximum(x, 0),
        x,
        gradient=lambda x: np.array([0.0, 0, 1, 1, 1]),
    )
    check(
        lambda b, x: b.relu6(x),
        lambda x: np.clip(x, 0, 6),
        x,
        gradient=lambda x: np.array([0.0, 0, 1, 0, 0]),
    )
    check(
        lambda b, x: b.leaky_relu(x, 0.2),
        lambda x: np.where(x > 0, x, 0.2 * x),
        x,
        gradient=lambda x: np.array([0.2, 0.2, 1, 1, 1]),
    )


def test_mixed_dtypes_are_refused(backend):
    with pytest.raises(TypeError, match="float32 and float64"):
        backend.add(backend.asarray(np.ones(2, "float32")), backend.asarray(np.ones(2)))
    with pytest.raises(TypeError, match=r"1\.5"):
        backend.add(backend.asarray([1, 2]), 1.5)


def test_bias_of_a_large_tensor():
    """Takes the route by a product with ones."""
    x, bias = rng.randn(2**10, 64), rng.randn(64)
    check(
        lambda b, x, y: b.add(x, y), np.add, x, bias, dtypes=("float32",),
        gradient=lambda x, y: [np.ones_like(x), np.full_like(y, 2**10)],
    )  # fmt: skip

"""Writers: functions of each element."""

from __future__ import annotations

import math
from typing import Any

from unidl.backend.dtypes import UNSIGNED, is_float
from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx_out.dtypes import number_of
from unidl.port.onnx_out.layouts import common_order, ordered
from unidl.port.onnx_out.table import Laid, writes
from unidl.port.onnx_out.value import Value


def elementwise(operator: str, *names: str, **attributes: Any) -> None:
    """Operations that are one operator of their tensors, which broadcast."""

    def writer(to: Any, spec: Any, *xs: Any) -> Laid:
        return combined(to, spec, lambda *given: to.node(operator, *given, **attributes), *xs)

    writes(*names)(writer)


def combined(to: Any, spec: Any, make: Any, *xs: Any) -> Laid:
    """make(*names), with all operands in one order."""
    values = [x for x in xs if isinstance(x, Value)]
    axes = common_order(values, len(spec.shape))
    dtype = next((v.dtype for v in values), spec.dtype)
    return Laid(make(*(ordered(to, x, axes, dtype) for x in xs)), axes)


def needs_digits(x: Any) -> bool:
    """Whether the numbers that ONNX keeps beside tensors, in float32, have too few digits."""
    return x.dtype == "float64"


for _operator, _names in {
    "Abs": "abs", "Acos": "arccos", "Acosh": "arccosh", "And": "logical_and",
    "Asin": "arcsin", "Asinh": "arcsinh", "Atan": "arctan", "Atanh": "arctanh", "Ceil": "ceil",
    "Cos": "cos", "Cosh": "cosh", "Erf": "erf", "Exp": "exp", "Floor": "floor", "Log": "log",
    "Max": "maximum", "Min": "minimum", "Mul": "multiply", "Not": "logical_not",
    "Or": "logical_or", "Pow": "power", "Reciprocal": "reciprocal", "Relu": "relu",
    "Round": "round", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh",
    "Softplus": "softplus", "Sqrt": "sqrt", "Sub": "subtract", "Tan": "tan", "Tanh": "tanh",
    "Xor": "logical_xor",
}.items():  # fmt: skip
    elementwise(_operator, _names)


@writes("add")
def add(to: Any, spec: Any, x1: Any, x2: Any) -> Laid:
    found = _into_a_convolution(to, x1, x2)
    return found or combined(to, spec, lambda a, b: to.node("Add", a, b), x1, x2)


def _into_a_convolution(to: Any, x: Any, bias: Any) -> Laid | None:
    """The convolution that made `x` once more, with `bias`; the other one goes if nobody else takes
    it."""
    if not (isinstance(x, Value) and isinstance(bias, Value)):
        return None
    if x.graph is not to.graph or bias.held is None or len(x.shape) < 3:
        return None
    name, order = to.any_order(x)
    node = to.graph.maker_of(name)
    if node is None or node.op_type not in ("Conv", "ConvTranspose") or len(node.input) > 2:
        return None
    channels = x.shape[order[1]]
    shape = (1,) * (len(x.shape) - len(bias.shape)) + tuple(bias.shape)
    if shape != tuple(channels if a == order[1] else 1 for a in range(len(x.shape))):
        return None
    value_of = onnx_package().helper.get_attribute_value
    attributes = {a.name: value_of(a) for a in node.attribute}
    inputs = (*node.input, to.reshape(bias, (channels,)))
    return Laid(to.node(node.op_type, *inputs, **attributes), order)


@writes("negative")
def negative(to: Any, spec: Any, x: Any) -> Any:
    if spec.dtype in UNSIGNED:
        return combined(to, spec, lambda a, b: to.node("Sub", b, a), x, 0)
    return combined(to, spec, lambda a: to.node("Neg", a), x)


@writes("square")
def square(to: Any, spec: Any, x: Any) -> Laid:
    return combined(to, spec, lambda a: to.node("Mul", a, a), x)


@writes("trunc")
def trunc(to: Any, spec: Any, x: Any) -> Laid:
    def make(a: str) -> str:
        return to.node("Mul", to.node("Sign", a), to.node("Floor", to.node("Abs", a)))

    return combined(to, spec, make, x)


@writes("expm1")
def expm1(to: Any, spec: Any, x: Any) -> Laid:
    """tanh(x / 2) * (exp(x) + 1), which keeps the digits of small x."""

    def make(a: str) -> str:
        half = to.node("Tanh", to.node("Mul", a, to.number(0.5, x.dtype)))
        return to.node("Mul", half, to.node("Add", to.node("Exp", a), to.number(1, x.dtype)))

    return combined(to, spec, make, x)


@writes("log1p")
def log1p(to: Any, spec: Any, x: Any) -> Laid:
    """log(u) * x / (u - 1) with u = 1 + x as rounded, which takes the rounding out again; x where u
    is 1, log(u) where it is infinite."""

    def make(a: str) -> str:
        one = to.number(1, x.dtype)
        u = to.node("Add", a, one)
        log, is_one = to.node("Log", u), to.node("Equal", u, one)
        is_infinite = to.node("Equal", u, to.number(math.inf, x.dtype))
        rest = to.node("Where", is_one, one, to.node("Sub", u, one))
        part = to.node("Where", is_infinite, one, to.node("Div", a, rest))
        return to.node("Where", is_one, a, to.node("Mul", log, part))

    return combined(to, spec, make, x)


@writes("erfinv")
def erfinv(to: Any, spec: Any, x: Any) -> Any:
    """Winitzki's approximation ("A handy approximation for the error function and its inverse",
    2008), which is off by 2e-3, and three steps of Newton's method."""
    a = 0.147
    log = to.add(to.log(to.subtract(1.0, x)), to.log(to.add(x, 1.0)))
    middle = to.add(to.multiply(log, 0.5), 2 / (math.pi * a))
    root = to.sqrt(to.subtract(to.square(middle), to.multiply(log, 1 / a)))
    size = to.sqrt(to.maximum(to.subtract(root, middle), 0.0))
    start = result = to.multiply(to.sign(x), size)
    for _ in range(3):
        slope = to.multiply(to.exp(to.square(result)), math.sqrt(math.pi) / 2)
        step = to.multiply(to.subtract(to.erf(result), x), slope)
        result = to.subtract(result, step)
    return to.where(to.less(to.abs(x), 1.0), result, start)


@writes("rsqrt")
def rsqrt(to: Any, spec: Any, x: Any) -> Laid:
    return combined(to, spec, lambda a: to.node("Reciprocal", to.node("Sqrt", a)), x)


@writes("clip")
def clip(to: Any, spec: Any, x: Any, low: Any, high: Any) -> Laid:
    bounds = [None if b is None else to.number(b, x.dtype) for b in (low, high)]
    return combined(to, spec, lambda a: to.node("Clip", a, *bounds), x)


@writes("relu6")
def relu6(to: Any, spec: Any, x: Any) -> Laid:
    return clip(to, spec, x, 0, 6)


@writes("leaky_relu")
def leaky_relu(to: Any, spec: Any, x: Any, negative_slope: float) -> Any:
    if needs_digits(x):
        return NotImplemented
    return combined(to, spec, lambda a: to.node("LeakyRelu", a, alpha=float(negative_slope)), x)


@writes("elu")
def elu(to: Any, spec: Any, x: Any, alpha: float) -> Any:
    if needs_digits(x):
        return NotImplemented
    return combined(to, spec, lambda a: to.node("Elu", a, alpha=float(alpha)), x)


@writes("gelu")
def gelu(to: Any, spec: Any, x: Any, approximate: bool) -> Any:
    if to.opset < 20:
        return NotImplemented
    kind = "tanh" if approximate else "none"
    return combined(to, spec, lambda a: to.node("Gelu", a, approximate=kind), x)


# -- of two tensors ------------------------------------------------------------------------------


@writes("divide")
def divide(to: Any, spec: Any, x1: Any, x2: Any) -> Laid:
    return combined(to, spec, lambda a, b: to.node("Div", a, b), x1, x2)


@writes("floor_divide")
def floor_divide(to: Any, spec: Any, x1: Any, x2: Any) -> Laid:
    def make(a: str, b: str) -> str:
        if is_float(spec.dtype):
            return to.node("Floor", to.node("Div", a, b))
        # Div rounds towards zero.
        return to.node("Div", to.node("Sub", a, to.node("Mod", a, b)), b)

    return combined(to, spec, make, x1, x2)


@writes("mod")
def mod(to: Any, spec: Any, x1: Any, x2: Any) -> Laid:
    """Of integers Mod has the sign of the divisor, of floats that of the first."""

    def make(a: str, b: str) -> str:
        if not is_float(spec.dtype):
            return to.node("Mod", a, b)
        rest, zero = to.node("Mod", a, b, fmod=1), to.number(0, spec.dtype)
        signs = [to.node("Less", n, zero) for n in (rest, b)]
        there = to.node("Not", to.node("Equal", rest, zero))
        wrong = to.node("And", there, to.node("Xor", *signs))
        return to.node("Where", wrong, to.node("Add", rest, b), rest)

    return combined(to, spec, make, x1, x2)


@writes("arctan2")
def arctan2(to: Any, spec: Any, x1: Any, x2: Any) -> Laid:
    def make(y: str, x: str) -> str:
        zero, pi, half = (to.number(n, spec.dtype) for n in (0, math.pi, math.pi / 2))
        angle = to.node("Atan", to.node("Div", y, x))
        turned = to.node("Where", to.node("Less", y, zero), to.node("Neg", pi), pi)
        angle = to.node("Where", to.node("Less", x, zero), to.node("Add", angle, turned), angle)
        upright = to.node("Mul", to.node("Sign", y), half)
        return to.node("Where", to.node("Equal", x, zero), upright, angle)

    return combined(to, spec, make, x1, x2)


# -- predicates ----------------------------------------------------------------------------------

for _operator, _names in {
    "Equal": "equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
}.items():

    def _comparison(to: Any, spec: Any, x1: Any, x2: Any, operator: str = _operator) -> Laid:
        xs = [_ordered_numbers(to, x, operator) for x in (x1, x2)]
        return combined(to, spec, lambda a, b: to.node(operator, a, b), *xs)

    writes(_names)(_comparison)


def _ordered_numbers(to: Any, x: Any, operator: str) -> Any:
    """Bools have no order."""
    is_bool = isinstance(x, Value) and x.dtype == "bool" and operator != "Equal"
    return to.cast(x, "int32") if is_bool else x


@writes("not_equal")
def not_equal(to: Any, spec: Any, x1: Any, x2: Any) -> Laid:
    return combined(to, spec, lambda a, b: to.node("Not", to.node("Equal", a, b)), x1, x2)


@writes("isnan")
def isnan(to: Any, spec: Any, x: Any) -> Laid:
    x = x if is_float(x.dtype) else to.cast(x, "float32")
    return combined(to, spec, lambda a: to.node("IsNaN", a), x)


@writes("isinf")
def isinf(to: Any, spec: Any, x: Any) -> Laid:
    # IsInf takes two dtypes alone before version 20.
    x = x if x.dtype in ("float32", "float64") else to.cast(x, "float32")
    return combined(to, spec, lambda a: to.node("IsInf", a), x)


@writes("isfinite")
def isfinite(to: Any, spec: Any, x: Any) -> Any:
    return to.logical_not(to.logical_or(to.isnan(x), to.isinf(x)))


# -- bits ----------------------------------------------------------------------------------------

for _name, _operator in {"and": "And", "or": "Or", "xor": "Xor"}.items():

    def _bitwise(to: Any, spec: Any, x1: Any, x2: Any, operator: str = _operator) -> Laid:
        full = operator if spec.dtype == "bool" else f"Bitwise{operator}"
        return combined(to, spec, lambda a, b: to.node(full, a, b), x1, x2)

    writes(f"bitwise_{_name}")(_bitwise)


@writes("left_shift")
def left_shift(to: Any, spec: Any, x: Any, bits: int) -> Any:
    if spec.dtype in UNSIGNED:
        return combined(to, spec, lambda a, b: to.node("BitShift", a, b, direction="LEFT"), x, bits)
    return to.multiply(x, 2**bits)


@writes("right_shift")
def right_shift(to: Any, spec: Any, x: Any, bits: int) -> Any:
    if spec.dtype in UNSIGNED:
        return combined(
            to, spec, lambda a, b: to.node("BitShift", a, b, direction="RIGHT"), x, bits
        )
    return to.floor_divide(x, 2**bits)


# -- choices -------------------------------------------------------------------------------------


@writes("where")
def where(to: Any, spec: Any, condition: Any, x1: Any, x2: Any) -> Any:
    if spec.dtype == "bool":  # which runtimes do not choose between
        x1, x2 = (to.asarray(x, "bool") for x in (x1, x2))
        return to.logical_or(
            to.logical_and(condition, x1), to.logical_and(to.logical_not(condition), x2)
        )
    axes = common_order([v for v in (condition, x1, x2) if isinstance(v, Value)], len(spec.shape))
    names = [ordered(to, x, axes, spec.dtype) for x in (condition, x1, x2)]
    return Laid(to.node("Where", *names), axes)


def cast_to(to: Any, name: str, dtype: str) -> str:
    return to.node("Cast", name, to=number_of(dtype))

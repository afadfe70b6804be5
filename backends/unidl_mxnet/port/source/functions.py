"""Functions of unidl.ops as Gluon writes them, for arrays and symbols alike.

Symbols know no shapes and broadcast by functions of their own alone: `a + b` is for equal shapes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import layers
from unidl.backend.variable import Variable
from unidl.port.errors import Refused
from unidl.port.layers import Constant
from unidl.port.source.checks import require_euclidean, require_last_axis
from unidl.port.source.rules import registering
from unidl.tracing import KerasTensor

FUNCTIONS: dict[str, Any] = {}
function = registering(FUNCTIONS)

# Elementwise functions of one tensor: the pattern that writes them.
_ELEMENTWISE = {
    "negative": "-{}", "absolute": "F.abs({})", "arcsinh": "F.arcsinh({})",
    "log_sigmoid": "-F.Activation(-{}, act_type='softrelu')",
    "softplus": "F.Activation({}, act_type='softrelu')",
    "hard_sigmoid": "F.minimum(F.maximum({} / 6 + 0.5, 0), 1)",
    "isnan": "({0} != {0})", "relu6": "F.clip({}, 0, 6)", "hard_tanh": "F.clip({}, -1, 1)",
    "stop_gradient": "F.BlockGrad({})", "copy": "F.identity({})",
} | {
    name: f"F.{name}({{}})"
    for name in (
        "abs", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "square",
        "reciprocal", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
        "arccosh", "arctanh", "sign", "floor", "ceil", "trunc", "erf", "erfinv", "sigmoid",
        "relu", "softsign", "logical_not", "zeros_like", "ones_like",
    )
}  # fmt: skip

# Elementwise functions that need a helper.
_BY_HELPERS = {
    "silu": "silu", "swish": "silu", "hard_silu": "hard_silu", "hard_swish": "hard_silu",
    "selu": "selu", "mish": "mish", "tanh_shrink": "tanh_shrink",
}  # fmt: skip

# name: (the sign of Python for equal shapes and numbers, the function that broadcasts)
_SIGNED = {
    "add": ("+", "broadcast_add"), "subtract": ("-", "broadcast_sub"),
    "multiply": ("*", "broadcast_mul"), "divide": ("/", "broadcast_div"),
    "true_divide": ("/", "broadcast_div"), "power": ("**", "broadcast_power"),
    "mod": ("%", "broadcast_mod"), "equal": ("==", "broadcast_equal"),
    "not_equal": ("!=", "broadcast_not_equal"), "less": ("<", "broadcast_lesser"),
    "less_equal": ("<=", "broadcast_lesser_equal"), "greater": (">", "broadcast_greater"),
    "greater_equal": (">=", "broadcast_greater_equal"),
    "maximum": ("F.maximum", "broadcast_maximum"), "minimum": ("F.minimum", "broadcast_minimum"),
    "logical_and": ("F.broadcast_logical_and", "broadcast_logical_and"),
    "logical_or": ("F.broadcast_logical_or", "broadcast_logical_or"),
    "logical_xor": ("F.broadcast_logical_xor", "broadcast_logical_xor"),
}  # fmt: skip
_BROADCASTING = dict(_SIGNED.values())

COMPARISONS = (
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
    "logical_or", "logical_xor", "logical_not", "any", "all",
)  # fmt: skip

# What does with integers as they are, or without, though its result is floats.
TAKE_INTEGERS = (layers.Embedding, Constant, "embedding", "take", "one_hot", "cast", "get_item")


def of_two(sign: str, one: str, other: str, is_alike: bool) -> str:
    """An operation of two tensors, whose shapes are alike, or one of which is a number."""
    if not is_alike:
        return f"F.{_BROADCASTING[sign]}({one}, {other})"
    return f"{sign}({one}, {other})" if sign.startswith("F.") else f"{one} {sign} {other}"


def _is_number(x: Any) -> bool:
    """Whether it is a number in the text, not an array."""
    return not isinstance(x, KerasTensor | Variable) and np.ndim(x) == 0


def _unary(pattern: str) -> Any:
    return lambda call, x: pattern.format(call.either())


def _helped(name: str) -> Any:
    return lambda call, x: f"{call.helper(name)}(F, {call.either()})"


def _binary(sign: str) -> Any:
    def rule(call: Any, x1: Any, x2: Any) -> str:
        numbers = [x for x in (x1, x2) if _is_number(x)]
        shaped = [x for x in (x1, x2) if getattr(x, "shape", ()) != ()]
        alike = len({tuple(x.shape) for x in shaped}) == 1 and len(shaped) + len(numbers) == 2
        if numbers and sign.startswith("F.broadcast"):
            raise Refused("a logical function of a number")
        if alike and len(shaped) == len(call.node.inputs):
            names = iter(call.alike())
            texts = [
                next(names) if any(x is t for t in call.node.inputs) else call.text(x)
                for x in (x1, x2)
            ]
        else:
            texts = [call.text(x1), call.text(x2)]
        one, other = texts
        return of_two(sign, one, other, alike)

    return rule


for _name, _pattern in _ELEMENTWISE.items():
    FUNCTIONS[_name] = _unary(_pattern)
for _name, _helper in _BY_HELPERS.items():
    FUNCTIONS[_name] = _helped(_helper)
for _name, (_sign, _) in _SIGNED.items():
    FUNCTIONS[_name] = _binary(_sign)


@function("leaky_relu")
def leaky_relu(call: Any, x: Any, negative_slope: float = 0.2) -> str:
    return f"F.LeakyReLU({call.either()}, slope={negative_slope!r})"


@function("elu")
def elu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"F.LeakyReLU({call.either()}, act_type='elu', slope={alpha!r})"


@function("celu")
def celu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"{call.helper('celu')}(F, {call.either()}, {alpha!r})"


@function("soft_shrink")
def soft_shrink(call: Any, x: Any, threshold: float = 0.5) -> str:
    return f"{call.helper('soft_shrink')}(F, {call.either()}, {threshold!r})"


@function("hard_shrink")
def hard_shrink(call: Any, x: Any, threshold: float = 0.5) -> str:
    return f"{call.helper('hard_shrink')}(F, {call.either()}, {threshold!r})"


@function("gelu")
def gelu(call: Any, x: Any, approximate: bool = True) -> str:
    if approximate:
        return f"{call.helper('gelu')}(F, {call.either()})"
    return f"F.LeakyReLU({call.either()}, act_type='gelu')"


@function("glu")
def glu(call: Any, x: Any, axis: int = -1) -> str:
    return f"{call.helper('glu')}(F, {call.plain()}, {axis})"


@function("softmax")
def softmax(call: Any, x: Any, axis: Any = -1) -> str:
    if isinstance(axis, list | tuple):
        return f"{call.helper('softmax')}(F, {call.plain()}, {tuple(axis)})"
    return f"F.softmax({call.plain()}, axis={axis})"


@function("log_softmax")
def log_softmax(call: Any, x: Any, axis: int = -1) -> str:
    return f"F.log_softmax({call.plain()}, axis={axis})"


@function("clip")
def clip(call: Any, x: Any, x_min: Any, x_max: Any) -> str:
    if not all(isinstance(bound, int | float) for bound in (x_min, x_max)):
        raise Refused("ops.clip with bounds that are computed")
    name = call.either()
    if all(np.float32(bound) == bound for bound in (x_min, x_max)):  # in which F.clip has them
        return f"F.clip({name}, {x_min!r}, {x_max!r})"
    return f"F.minimum(F.maximum({name}, {x_min!r}), {x_max!r})"


@function("where")
def where(call: Any, condition: Any, x1: Any, x2: Any) -> str:
    if len({tuple(getattr(x, "shape", ())) for x in (condition, x1, x2)}) > 1:
        shape = tuple(call.outputs[0].shape)
        like = next((x for x in (condition, x1, x2) if tuple(getattr(x, "shape", ())) == shape), 0)
        if not isinstance(like, KerasTensor):
            raise Refused("ops.where of shapes of which none is that of the result")
        parts = [_alike(call, x, like) for x in (condition, x1, x2)]
        return f"F.where({', '.join(parts)})"
    return f"F.where({call.text(condition)}, {call.text(x1)}, {call.text(x2)})"


def _alike(call: Any, x: Any, like: Any) -> str:
    """`x` in the shape of another tensor."""
    if not isinstance(x, KerasTensor | Variable) and np.ndim(x) == 0:
        x = np.asarray(x).item()
        return f"F.zeros_like({call.text(like)})" + (f" + {call.text(x)}" if x else "")
    if tuple(x.shape) == tuple(like.shape):
        return call.text(x)
    missing = len(like.shape) - len(x.shape)
    if isinstance(x, KerasTensor | Variable):
        text = call.text(x)
        for _ in range(missing):
            text = f"F.expand_dims({text}, axis=0)"
    else:
        text = call.text(np.asarray(x)[(None,) * missing])
    return f"F.broadcast_like({text}, {call.text(like)})"


@function("cast")
def cast(call: Any, x: Any, dtype: Any) -> str:
    wanted = call.outputs[0].dtype
    if x.dtype == wanted or {x.dtype, wanted} == {"float32", "float64"}:
        return call.either()  # all of a block is in one dtype
    if "float" in x.dtype and "float" in wanted:
        raise Refused(f"it casts from {x.dtype} to {wanted}")
    if "float" in wanted:
        return f"{call.scope.single('floats', call.helper('Floats') + '()')}({call.either()})"
    return integers(call.either(), wanted)


def integers(text: str, dtype: str) -> str:
    """A call as text, whose result is cast."""
    if dtype not in ("int32", "int64", "int8", "uint8"):
        raise Refused(f"{dtype}, which MXNet computes little in")
    return f"F.cast({text}, dtype='{dtype}')"


@function("convert_to_tensor")
def convert_to_tensor(call: Any, x: Any, dtype: Any = None) -> str:
    return call.text(x)


# Over axes.


def _axes(call: Any, x: Any, axis: Any, keepdims: bool) -> str:
    """Arguments of a reduction."""
    count = len(x.shape)
    axes = [axis] if isinstance(axis, int) else range(count) if axis is None else axis
    axes = sorted(a % count for a in axes)
    if len(axes) == count and not keepdims:
        if call.outputs[0].shape == () and count == 1:
            return "axis=0"
        return f"axis={tuple(axes)}"
    inside = axes[0] if len(axes) == 1 else tuple(axes)
    return f"axis={inside}{', keepdims=True' if keepdims else ''}"


def _reduction(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        return f"F.{name}({call.plain()}, {_axes(call, x, axis, keepdims)})"

    return rule


def _truth(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        text = call.plain() if x.dtype == "bool" else f"({call.plain()} != 0)"
        return f"F.{name}({text}, {_axes(call, x, axis, keepdims)})"

    return rule


def _by_helper(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        return f"{call.helper(name)}(F, {call.plain()}, {_axes(call, x, axis, keepdims)})"

    return rule


def _place(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        if not isinstance(axis, int):
            raise Refused(f"ops.{name} over all axes")
        axes = _axes(call, x, axis, keepdims)
        return integers(f"F.{name}({call.plain()}, {axes})", call.outputs[0].dtype)

    return rule


FUNCTIONS |= {name: _reduction(name) for name in ("mean", "sum", "max", "min", "prod")}
FUNCTIONS |= {"amax": _reduction("max"), "amin": _reduction("min")}
FUNCTIONS |= {"any": _truth("max"), "all": _truth("min")}
FUNCTIONS |= {name: _by_helper(name) for name in ("var", "std", "logsumexp")}
FUNCTIONS |= {name: _place(name) for name in ("argmax", "argmin")}


@function("moments")
def moments(call: Any, x: Any, axes: Any, keepdims: bool = False) -> str:
    call.comment = "mean and variance"
    return f"{call.helper('moments')}(F, {call.plain()}, {_axes(call, x, axes, keepdims)})"


@function("cumsum")
def cumsum(call: Any, x: Any, axis: Any = None) -> str:
    return f"F.cumsum({call.plain()}, axis={axis})"


@function("full_like")
def full_like(call: Any, x: Any, fill_value: Any, dtype: Any = None) -> str:
    if dtype is not None or not isinstance(fill_value, int | float):
        raise Refused("ops.full_like with a dtype, or a value that is computed")
    return f"F.zeros_like({call.text(x)}) + {fill_value!r}"


@function("rms_normalization")
def rms_normalization(call: Any, x: Any, scale: Any, axis: Any, epsilon: float) -> str:
    require_last_axis(axis, len(x.shape))
    return f"{call.helper('rms_norm')}(F, {call.plain()}, {call.text(scale)}, {epsilon!r})"


@function("normalize")
def normalize(call: Any, x: Any, axis: int = -1, order: Any = 2, epsilon: Any = 1e-7) -> str:
    require_euclidean(order, axis)
    return f"{call.helper('unit_norm')}(F, {call.plain()}, {axis}, {epsilon**2!r})"

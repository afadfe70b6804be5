"""Functions of unidl.ops as NumPy writes them."""

from __future__ import annotations

import re
from typing import Any

from unidl.port.errors import Refused
from unidl.port.source.attention import attentions
from unidl.port.source.checks import require_euclidean, require_last_axis
from unidl.port.source.rules import COMMON, SIGNS, registering

FUNCTIONS: dict[str, Any] = dict(COMMON)
function = registering(FUNCTIONS)

_SAME_NAME = [
    "abs",
    "absolute",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "sign",
    "floor",
    "ceil",
    "round",
    "trunc",
    "logical_not",
    "isnan",
    "isfinite",
    "isinf",
    "zeros_like",
    "ones_like",
    "copy",
]

_ELEMENTWISE = {name: f"np.{name}({{}})" for name in _SAME_NAME} | {
    "negative": "-{}", "rsqrt": "1 / np.sqrt({})", "stop_gradient": "{}",
    "relu6": "np.clip({}, 0, 6)", "hard_tanh": "np.clip({}, -1, 1)",
    "softsign": "{0} / (1 + np.abs({0}))", "tanh_shrink": "{0} - np.tanh({0})",
}  # fmt: skip

# Functions of the written file, and what is made of them.
_HELPED = {
    "relu": "relu({})", "sigmoid": "sigmoid({})", "softplus": "softplus({})", "erf": "erf({})",
    "selu": "selu({})", "hard_sigmoid": "hard_sigmoid({})",
    "silu": "{0} * sigmoid({0})", "swish": "{0} * sigmoid({0})",
    "hard_silu": "{0} * hard_sigmoid({0})", "hard_swish": "{0} * hard_sigmoid({0})",
    "mish": "{0} * np.tanh(softplus({0}))", "log_sigmoid": "-softplus(-{})",
}  # fmt: skip

_BINARY = {name: f"{{}} {sign} {{}}" for name, sign in SIGNS.items()} | {
    name: f"np.{name}({{}}, {{}})"
    for name in (
        "maximum", "minimum", "mod", "floor_divide", "logical_and", "logical_or", "logical_xor",
        "arctan2", "dot",
    )
}  # fmt: skip

# Functions of the same name and arguments.
_DIRECT = [
    "cumsum", "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze", "concatenate", "stack",
    "split", "flip", "roll", "repeat", "tile", "broadcast_to", "where", "clip", "einsum", "take",
    "take_along_axis",
    "full_like",
]  # fmt: skip

# NumPy has other arguments between axis and keepdims.
_REDUCTIONS = [
    "mean", "sum", "max", "min", "amax", "amin", "var", "std", "prod", "argmax", "argmin", "any",
    "all",
]  # fmt: skip


def _unary(pattern: str, helpers: tuple[str, ...] = ()) -> Any:
    def rule(call: Any, x: Any) -> str:
        for name in helpers:
            call.helper(name)
        return pattern.format(call.text(x))

    return rule


def _binary(pattern: str) -> Any:
    return lambda call, x1, x2: pattern.format(call.text(x1), call.text(x2))


def _direct(name: str) -> Any:
    def rule(call: Any, *args: Any, **kwargs: Any) -> str:
        given = [*map(call.text, args), *(f"{k}={call.text(v)}" for k, v in kwargs.items())]
        return f"np.{name}({', '.join(given)})"

    return rule


def _reduction(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        given = [call.text(x)]
        given += [] if axis is None else [f"axis={call.text(axis)}"]
        given += ["keepdims=True"] if keepdims else []
        return f"np.{name}({', '.join(given)})"

    return rule


FUNCTIONS |= {name: _unary(pattern) for name, pattern in _ELEMENTWISE.items()}
for _name, _pattern in _HELPED.items():
    _called = re.findall(r"(?<!\.)\b(\w+)\(", _pattern)  # not np.tanh
    FUNCTIONS[_name] = _unary(_pattern, tuple(_called))
FUNCTIONS |= {name: _binary(pattern) for name, pattern in _BINARY.items()}
FUNCTIONS |= {name: _direct(name) for name in _DIRECT}
FUNCTIONS |= {name: _reduction(name) for name in _REDUCTIONS}


@function("softmax")
def softmax(call: Any, x: Any, axis: int = -1) -> str:
    return f"{call.helper('softmax')}({call.text(x)}{_axis(axis)})"


@function("log_softmax")
def log_softmax(call: Any, x: Any, axis: int = -1) -> str:
    return f"{call.helper('log_softmax')}({call.text(x)}{_axis(axis)})"


def _axis(axis: int) -> str:
    return "" if axis == -1 else f", axis={axis}"


@function("logsumexp")
def logsumexp(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
    return f"{call.helper('logsumexp')}({call.text(x)}, {axis}, {keepdims})"


@function("gelu")
def gelu(call: Any, x: Any, approximate: bool = True) -> str:
    return f"{call.helper('gelu')}({call.text(x)}{', approximate=True' if approximate else ''})"


@function("leaky_relu")
def leaky_relu(call: Any, x: Any, negative_slope: float = 0.2) -> str:
    return f"{call.helper('leaky_relu')}({call.text(x)}, {negative_slope!r})"


@function("elu")
def elu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"{call.helper('elu')}({call.text(x)}{'' if alpha == 1 else f', {alpha!r}'})"


@function("reshape")
def reshape(call: Any, x: Any, newshape: Any) -> str:
    return f"{call.text(x)}.reshape({', '.join(map(call.text, newshape))})"


@function("cast")
def cast(call: Any, x: Any, dtype: Any) -> str:
    after = call.outputs[0].dtype
    if x.dtype == after or (x.dtype.startswith("float") and after.startswith("float")):
        return call.text(x)
    return f"{call.text(x)}.astype({after!r})"


@function("moments")
def moments(call: Any, x: Any, axes: Any, keepdims: bool = False) -> str:
    name, keep = call.text(x), ", keepdims=True" if keepdims else ""
    return f"{name}.mean({tuple(axes)}{keep}), {name}.var({tuple(axes)}{keep})"


@function("get_item")
def get_item(call: Any, x: Any, key: Any) -> str:
    keys = key if isinstance(key, tuple) else (key,)
    return f"{call.text(x)}[{', '.join('None' if k is None else call.text(k) for k in keys)}]"


@function("pad")
def pad(
    call: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> str:
    value = f", constant_values={call.text(constant_values)}" if constant_values else ""
    return f"np.pad({call.text(x)}, {call.text(pad_width)}, {mode!r}{value})"


@function("one_hot")
def one_hot(call: Any, x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> str:
    if axis != -1:
        raise Refused("ops.one_hot along another axis than the last")
    return (
        f"({call.text(x)}[..., None] == np.arange({num_classes})).astype({call.outputs[0].dtype!r})"
    )


FUNCTIONS |= attentions("np")


@function("embedding")
def embedding(call: Any, table: Any, indices: Any) -> str:
    return f"{call.text(table)}[{call.text(indices)}]"


@function("rms_normalization")
def rms_normalization(call: Any, x: Any, scale: Any, axis: Any, epsilon: float) -> str:
    require_last_axis(axis, len(x.shape))
    return f"{call.helper('rms_norm')}({call.text(x)}, {call.text(scale)}, {epsilon!r})"


@function("normalize")
def normalize(call: Any, x: Any, axis: int = -1, order: Any = 2, epsilon: Any = 1e-7) -> str:
    require_euclidean(order)
    return f"{call.helper('unit_norm')}({call.text(x)}, {axis}, {epsilon**2!r})"


@function("conv")
def conv(
    call: Any, x: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: Any = None, dilation_rate: Any = 1,
) -> str:  # fmt: skip
    if data_format == "channels_first":
        raise Refused("ops.conv with data_format='channels_first'")
    groups = x.shape[-1] // kernel.shape[-2]
    given = [call.text(x), call.text(kernel), call.text(strides), repr(padding)]
    given += [call.text(dilation_rate), repr(groups)]
    return f"{call.helper('conv')}({', '.join(given)})"

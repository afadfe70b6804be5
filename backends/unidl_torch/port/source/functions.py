"""Functions of unidl.ops as torch writes them."""

from __future__ import annotations

from typing import Any

from unidl.port.errors import Refused
from unidl.port.source.checks import require_euclidean, require_last_axis
from unidl.port.source.rules import COMMON, SIGNS, costs_nothing, joined, registering

FUNCTIONS: dict[str, Any] = dict(COMMON)
function = registering(FUNCTIONS)

# Elementwise functions of one tensor: the pattern that writes them.
_ELEMENTWISE = {
    "abs": "torch.abs({})", "absolute": "torch.abs({})", "negative": "-{}", "exp": "torch.exp({})",
    "expm1": "torch.expm1({})", "log": "torch.log({})", "log1p": "torch.log1p({})",
    "log2": "torch.log2({})", "log10": "torch.log10({})", "sqrt": "torch.sqrt({})",
    "rsqrt": "torch.rsqrt({})", "square": "torch.square({})", "reciprocal": "torch.reciprocal({})",
    "sin": "torch.sin({})", "cos": "torch.cos({})", "tan": "torch.tan({})",
    "arcsin": "torch.asin({})", "arccos": "torch.acos({})", "arctan": "torch.atan({})",
    "sinh": "torch.sinh({})", "cosh": "torch.cosh({})", "tanh": "torch.tanh({})",
    "arcsinh": "torch.asinh({})", "arccosh": "torch.acosh({})", "arctanh": "torch.atanh({})",
    "sign": "torch.sign({})", "floor": "torch.floor({})", "ceil": "torch.ceil({})",
    "round": "torch.round({})", "trunc": "torch.trunc({})", "erf": "torch.erf({})",
    "sigmoid": "torch.sigmoid({})", "relu": "F.relu({})", "relu6": "F.relu6({})",
    "silu": "F.silu({})", "swish": "F.silu({})", "softplus": "F.softplus({})",
    "softsign": "F.softsign({})", "selu": "F.selu({})", "mish": "F.mish({})",
    "log_sigmoid": "F.logsigmoid({})", "tanh_shrink": "F.tanhshrink({})",
    "hard_sigmoid": "F.relu6({} + 3) / 6", "hard_silu": "F.hardswish({})",
    "hard_swish": "F.hardswish({})", "hard_tanh": "F.hardtanh({})",
    "logical_not": "torch.logical_not({})", "isnan": "torch.isnan({})",
    "isfinite": "torch.isfinite({})", "isinf": "torch.isinf({})",
    "stop_gradient": "{}.detach()", "copy": "{}.clone()", "zeros_like": "torch.zeros_like({})",
    "ones_like": "torch.ones_like({})",
}  # fmt: skip

_BINARY = {name: f"{{}} {sign} {{}}" for name, sign in SIGNS.items()} | {
    "mod": "torch.remainder({}, {})", "floor_divide": "torch.floor_divide({}, {})",
    "logical_and": "torch.logical_and({}, {})", "logical_or": "torch.logical_or({}, {})",
    "logical_xor": "torch.logical_xor({}, {})", "arctan2": "torch.atan2({}, {})",
}  # fmt: skip


def _unary(pattern: str) -> Any:
    return lambda call, x: pattern.format(call.either())


def _binary(pattern: str) -> Any:
    def rule(call: Any, x1: Any, x2: Any) -> str:
        shaped = [x for x in (x1, x2) if getattr(x, "shape", ()) != ()]
        if len(shaped) == len(call.node.inputs) and len({tuple(x.shape) for x in shaped}) == 1:
            names = iter(call.alike())
            texts = [
                next(names) if any(x is t for t in call.node.inputs) else call.text(x)
                for x in (x1, x2)
            ]
        else:
            texts = [call.text(x1), call.text(x2)]
        return pattern.format(*texts)

    return rule


for _name, _pattern in _ELEMENTWISE.items():
    FUNCTIONS[_name] = _unary(_pattern)
for _name, _pattern in _BINARY.items():
    FUNCTIONS[_name] = _binary(_pattern)


def _extreme(name: str) -> Any:
    def rule(call: Any, x1: Any, x2: Any) -> str:
        numbers = [x for x in (x1, x2) if not hasattr(x, "shape")]
        if numbers:
            tensor = x2 if numbers[0] is x1 else x1
            bound = "min" if name == "maximum" else "max"
            return f"torch.clamp({call.text(tensor)}, {bound}={numbers[0]!r})"
        return f"torch.{name}({call.text(x1)}, {call.text(x2)})"

    return rule


for _name in ("maximum", "minimum"):
    FUNCTIONS[_name] = _extreme(_name)


@function("leaky_relu")
def leaky_relu(call: Any, x: Any, negative_slope: float = 0.2) -> str:
    return f"F.leaky_relu({call.either()}, {negative_slope!r})"


@function("elu")
def elu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"F.elu({call.either()}{_unless(alpha, 1.0)})"


@function("celu")
def celu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"F.celu({call.either()}{_unless(alpha, 1.0)})"


@function("soft_shrink")
def soft_shrink(call: Any, x: Any, threshold: float = 0.5) -> str:
    return f"F.softshrink({call.either()}, {threshold!r})"


@function("hard_shrink")
def hard_shrink(call: Any, x: Any, threshold: float = 0.5) -> str:
    return f"F.hardshrink({call.either()}, {threshold!r})"


@function("gelu")
def gelu(call: Any, x: Any, approximate: bool = True) -> str:
    return f"F.gelu({call.either()}{', approximate=' + repr('tanh') if approximate else ''})"


@function("glu")
def glu(call: Any, x: Any, axis: int = -1) -> str:
    return f"F.glu({call.plain()}, dim={axis})"


def _unless(value: Any, default: Any) -> str:
    return "" if value == default else f", {value!r}"


@function("softmax")
def softmax(call: Any, x: Any, axis: Any = -1) -> str:
    if isinstance(axis, list | tuple):
        return f"{call.helper('softmax')}({call.plain()}, {tuple(axis)})"
    return f"F.softmax({call.plain()}, dim={axis})"


@function("log_softmax")
def log_softmax(call: Any, x: Any, axis: int = -1) -> str:
    return f"F.log_softmax({call.plain()}, dim={axis})"


@function("clip")
def clip(call: Any, x: Any, x_min: Any, x_max: Any) -> str:
    return f"torch.clamp({call.either()}, {call.text(x_min)}, {call.text(x_max)})"


@function("where")
def where(call: Any, condition: Any, x1: Any, x2: Any) -> str:
    return f"torch.where({call.text(condition)}, {call.text(x1)}, {call.text(x2)})"


@function("cast")
def cast(call: Any, x: Any, dtype: Any) -> str:
    if x.dtype == call.outputs[0].dtype:
        return call.either()
    if {x.dtype, call.outputs[0].dtype} == {"float32", "float64"}:
        return call.either()  # all of a module is in one dtype
    if "float" in x.dtype and "float" in call.outputs[0].dtype:
        raise Refused(f"it casts from {x.dtype} to {call.outputs[0].dtype}")
    return f"{call.either()}.to({dtype_text(call.outputs[0].dtype)})"


def dtype_text(dtype: str) -> str:
    """Floats follow the dtype of the module, so that it can be moved to another."""
    return "torch.get_default_dtype()" if dtype.startswith("float") else f"torch.{dtype}"


def _reduction(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        if axis is None and not keepdims:
            return f"torch.{name}({call.plain()})"
        axes = tuple(range(len(x.shape))) if axis is None else axis
        dims = f"dim={tuple(axes) if isinstance(axes, list | tuple) else axes}"
        keep = ", keepdim=True" if keepdims else ""
        return f"torch.{name}({call.plain()}, {dims}{keep})"

    return rule


FUNCTIONS |= {
    "mean": _reduction("mean"),
    "sum": _reduction("sum"),
    "max": _reduction("amax"),
    "amax": _reduction("amax"),
    "min": _reduction("amin"),
    "amin": _reduction("amin"),
    "logsumexp": _reduction("logsumexp"),
    "any": _reduction("any"),
    "all": _reduction("all"),
}


def _spread(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        keep = ", keepdim=True" if keepdims else ""
        return f"torch.{name}({call.plain()}, dim={axis}, correction=0{keep})"

    return rule


def _place(name: str) -> Any:
    def rule(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
        keep = ", keepdim=True" if keepdims else ""
        return f"torch.{name}({call.plain()}, dim={axis}{keep}).to(torch.int32)"

    return rule


FUNCTIONS |= {name: _spread(name) for name in ("var", "std")}
FUNCTIONS |= {name: _place(name) for name in ("argmax", "argmin")}


@function("moments")
def moments(call: Any, x: Any, axes: Any, keepdims: bool = False) -> str:
    call.comment = "mean and variance"
    return f"{call.helper('moments')}({call.plain()}, {tuple(axes)}, keepdim={keepdims})"


@function("cumsum")
def cumsum(call: Any, x: Any, axis: Any = None) -> str:
    return f"torch.cumsum({call.plain()}, dim={axis})"


@function("matmul")
def matmul(call: Any, x1: Any, x2: Any) -> str:
    return f"{call.text(x1)} @ {call.text(x2)}"


@function("dot")
def dot(call: Any, x1: Any, x2: Any) -> str:
    if len(x2.shape) != 2:
        raise Refused("ops.dot with more than two axes; write ops.matmul or ops.einsum")
    return f"{call.text(x1)} @ {call.text(x2)}"


@function("einsum")
def einsum(call: Any, equation: str, *operands: Any) -> str:
    return f"torch.einsum({equation!r}, {', '.join(map(call.text, operands))})"


@function("reshape")
def reshape(call: Any, x: Any, newshape: Any) -> str:
    if any(hasattr(size, "shape") for size in newshape):
        raise Refused("it reshapes to sizes that are computed")
    return f"{call.plain()}.reshape({', '.join(map(call.text, newshape))})"


@function("transpose")
def transpose(call: Any, x: Any, axes: Any = None) -> str | None:
    axes = tuple(axes) if axes is not None else tuple(reversed(range(len(x.shape))))
    return permuted(call, axes)


def permuted(call: Any, axes: tuple) -> str | None:
    """Axes in another order; a change between channels last and second costs nothing."""
    if costs_nothing(call, axes):
        return None
    return f"{call.plain()}.permute({', '.join(map(str, axes))})"


@function("swapaxes")
def swapaxes(call: Any, x: Any, axis1: int, axis2: int) -> str:
    return f"{call.plain()}.transpose({axis1}, {axis2})"


@function("moveaxis")
def moveaxis(call: Any, x: Any, source: Any, destination: Any) -> str:
    return f"torch.movedim({call.plain()}, {source}, {destination})"


@function("expand_dims")
def expand_dims(call: Any, x: Any, axis: int) -> str:
    rank, text = len(call.outputs[0].shape), call.plain()
    axes = (axis,) if isinstance(axis, int) else sorted(a % rank for a in axis)
    return text + "".join(f".unsqueeze({a})" for a in axes)


@function("squeeze")
def squeeze(call: Any, x: Any, axis: Any = None) -> str:
    if axis is None:
        raise Refused("ops.squeeze without an axis, which would take away a batch of 1")
    return f"{call.plain()}.squeeze({axis})"


@function("concatenate")
def concatenate(call: Any, xs: Any, axis: int = 0) -> str:
    return concatenated(call, xs, axis)


def concatenated(call: Any, xs: Any, axis: int) -> str:
    names, axis = joined(call, xs, axis)
    return f"torch.cat([{', '.join(names)}], dim={axis})"


@function("stack")
def stack(call: Any, x: Any, axis: int = 0) -> str:
    return f"torch.stack([{', '.join(map(call.text, x))}], dim={axis})"


@function("split")
def split(call: Any, x: Any, indices_or_sections: Any, axis: int = 0) -> str:
    if not isinstance(indices_or_sections, int):
        raise Refused("ops.split at indices")
    return f"torch.chunk({call.plain()}, {indices_or_sections}, dim={axis})"


@function("flip")
def flip(call: Any, x: Any, axis: Any = None) -> str:
    axes = (
        range(len(x.shape)) if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    )
    return f"torch.flip({call.plain()}, {list(axes)})"


@function("repeat")
def repeat(call: Any, x: Any, repeats: Any, axis: Any = None) -> str:
    return f"torch.repeat_interleave({call.plain()}, {call.text(repeats)}, dim={axis})"


@function("tile")
def tile(call: Any, x: Any, repeats: Any) -> str:
    repeats = [repeats] if isinstance(repeats, int) else list(repeats)
    return f"torch.tile({call.plain()}, {tuple(repeats)})"


@function("broadcast_to")
def broadcast_to(call: Any, x: Any, shape: Any) -> str:
    sizes = [-1 if s is None else s for s in shape]
    return f"{call.plain()}.expand({', '.join(map(call.text, sizes))})"


@function("pad")
def pad(
    call: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> str:
    if mode != "constant":
        raise Refused(f"ops.pad with mode={mode!r}")
    pairs = [pad_width] * len(x.shape) if isinstance(pad_width, int) else pad_width
    flat = [
        n for pair in reversed([(p, p) if isinstance(p, int) else p for p in pairs]) for n in pair
    ]
    value = "" if not constant_values else f", value={call.text(constant_values)}"
    return f"F.pad({call.plain()}, {tuple(flat)}{value})"


@function("get_item")
def get_item(call: Any, x: Any, key: Any) -> str:
    keys = key if isinstance(key, tuple) else (key,)
    if any(isinstance(k, slice) and (k.step or 1) < 0 for k in keys):
        raise Refused("a slice with a negative step; write ops.flip")
    parts = ["None" if k is None else call.text(k) for k in keys]
    return f"{call.plain()}[{', '.join(parts)}]"


@function("take")
def take(call: Any, x: Any, indices: Any, axis: Any = None) -> str:
    if axis is None or hasattr(axis, "shape"):
        raise Refused("ops.take without an axis")
    if isinstance(indices, int):
        return f"{call.text(x)}.select({axis}, {indices})"
    before = ", ".join([":"] * (axis % len(x.shape)))
    return f"{call.text(x)}[{before + ', ' if before else ''}{call.text(indices)}]"


@function("roll")
def roll(call: Any, x: Any, shift: Any, axis: Any = None) -> str:
    if axis is None:
        raise Refused("ops.roll without an axis")
    return f"torch.roll({call.text(x)}, {call.text(shift)}, {call.text(axis)})"


@function("take_along_axis")
def take_along_axis(call: Any, x: Any, indices: Any, axis: int = -1) -> str:
    return f"torch.take_along_dim({call.text(x)}, {call.text(indices)}.long(), {axis})"


@function("one_hot")
def one_hot(call: Any, x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> str:
    if axis != -1:
        raise Refused("ops.one_hot along another axis than the last")
    kind = dtype_text(call.outputs[0].dtype)
    return f"F.one_hot({call.plain()}.long(), {num_classes}).to({kind})"


@function("attention")
def attention(
    call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
) -> str:
    given = [call.text(x) for x in (query, key, value)]
    if bias is not None:
        given.append(f"attn_mask={call.text(bias)}")
    return f"F.scaled_dot_product_attention({', '.join(given)}, scale={scale!r})"


@function("grouped_attention")
def grouped_attention(
    call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
) -> str:
    return f"{attention(call, query, key, value, bias, scale)[:-1]}, enable_gqa=True)"


@function("embedding")
def embedding(call: Any, table: Any, indices: Any) -> str:
    return f"F.embedding({call.text(indices)}, {call.text(table)})"


@function("full_like")
def full_like(call: Any, x: Any, fill_value: Any, dtype: Any = None) -> str:
    if dtype is not None:
        raise Refused("ops.full_like with a dtype")
    return f"torch.full_like({call.text(x)}, {call.text(fill_value)})"


@function("rms_normalization")
def rms_normalization(call: Any, x: Any, scale: Any, axis: Any, epsilon: float) -> str:
    require_last_axis(axis, len(x.shape))
    return f"F.rms_norm({call.plain()}, ({x.shape[-1]},), {call.text(scale)}, eps={epsilon!r})"


@function("normalize")
def normalize(call: Any, x: Any, axis: int = -1, order: Any = 2, epsilon: Any = 1e-7) -> str:
    require_euclidean(order, axis)
    return f"{call.helper('unit_norm')}({call.plain()}, {axis}, {epsilon**2!r})"

"""Functions of unidl.ops as Gluon writes them, for arrays and symbols alike.

Symbols know no shapes and broadcast by functions of their own alone: `a + b` is for equal shapes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unidl import layers
from unidl.backend.variable import Variable
from unidl.port.errors import Refused
from unidl.port.source.rules import costs_nothing, joined, registering
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

# What does with integers as they are, though its result is floats.
TAKE_INTEGERS = (layers.Embedding, "embedding", "take", "one_hot", "cast", "get_item")


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
    if not hasattr(x, "shape"):
        if not math.isfinite(x):
            raise Refused("ops.where with a number that is not finite")
        return f"F.zeros_like({call.text(like)})" + (f" + {x!r}" if x else "")
    if tuple(x.shape) == tuple(like.shape):
        return call.text(x)
    if len(x.shape) != len(like.shape):
        raise Refused("ops.where of different numbers of axes")
    return f"F.broadcast_like({call.text(x)}, {call.text(like)})"


@function("cast")
def cast(call: Any, x: Any, dtype: Any) -> str:
    wanted = call.outputs[0].dtype
    if x.dtype == wanted or {x.dtype, wanted} == {"float32", "float64"}:
        return call.either()  # all of a block is in one dtype
    if "float" in x.dtype and "float" in wanted:
        raise Refused(f"it casts from {x.dtype} to {wanted}")
    if "float" in wanted:
        return f"{call.scope.single('floats', call.helper('Floats') + '()')}({call.either()})"
    return _integers(call.either(), wanted)


def _integers(text: str, dtype: str) -> str:
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
        return _integers(f"F.{name}({call.plain()}, {axes})", call.outputs[0].dtype)

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


# Products.


@function("matmul")
def matmul(call: Any, x1: Any, x2: Any) -> str:
    if len(x2.shape) == 2:
        return f"F.dot({call.text(x1)}, {call.text(x2)})"
    ranks = {len(x1.shape), len(x2.shape)}
    if len(ranks) > 1 or min(ranks) < 3 or tuple(x1.shape[:-2]) != tuple(x2.shape[:-2]):
        raise Refused("ops.matmul that broadcasts; write ops.einsum or repeat one of them")
    name = "F.batch_dot" if ranks == {3} else "F.linalg.gemm2"
    return f"{name}({call.text(x1)}, {call.text(x2)})"


@function("linear")
def linear(call: Any, x: Any, kernel: Any, bias: Any = None) -> str:
    product = f"F.dot({call.text(x)}, {call.text(kernel)})"
    return product if bias is None else f"F.broadcast_add({product}, {call.text(bias)})"


@function("dot")
def dot(call: Any, x1: Any, x2: Any) -> str:
    if len(x2.shape) != 2:
        raise Refused("ops.dot with more than two axes; write ops.matmul or ops.einsum")
    return f"F.dot({call.text(x1)}, {call.text(x2)})"


@function("einsum")
def einsum(call: Any, equation: str, *operands: Any) -> str:
    """As a product of matrices, for each index that all have in common."""
    left, _, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if "..." in left:
        terms, result = _without_dots(terms, result, [len(x.shape) for x in operands])
    is_plain = len(terms) == 2 and result and "." not in result
    if not is_plain or any(len(set(t)) < len(t) for t in (*terms, result)):
        raise Refused(f"the einsum {equation!r}: only products of two tensors are written")
    a, b = terms
    shared = [i for i in a if i in b and i in result]
    summed = [i for i in a if i in b and i not in result]
    alone = [[i for i in a if i not in b], [i for i in b if i not in a]]
    if any(i not in result for i in alone[0] + alone[1]):
        raise Refused(f"the einsum {equation!r}, which sums over an index of one tensor")
    sizes = dict(zip(a + b, [*operands[0].shape, *operands[1].shape], strict=True))
    one = _as_matrices(call, operands[0], a, [shared, alone[0], summed], sizes)
    other = _as_matrices(call, operands[1], b, [shared, summed, alone[1]], sizes)
    text = f"F.batch_dot({one}, {other})" if shared else f"F.dot({one}, {other})"
    order = [*shared, *alone[0], *alone[1]]
    if [len(shared), len(alone[0]), len(alone[1])] != [bool(shared), 1, 1]:
        text = f"F.reshape({text}, shape={_shape_of(order, sizes)})"
    return text if order == [*result] else f"F.transpose({text}, axes={_order(order, result)})"


def _without_dots(terms: list[str], result: str, ranks: list[int]) -> tuple[list[str], str]:
    """With capital letters in the place of dots: as many as the tensor has axes there."""
    counts = [n - len(t.replace("...", "")) for t, n in zip(terms, ranks, strict=False)]
    letters = "ZYXWVUTS"[8 - max(counts) :]
    found = [
        t.replace("...", letters[len(letters) - n :]) for t, n in zip(terms, counts, strict=False)
    ]
    return found, result.replace("...", letters)


def _as_matrices(call: Any, x: Any, term: str, groups: list, sizes: dict) -> str:
    """`x` with each group of its indices as one axis, without the first group if it is empty."""
    text, order = call.text(x), [i for group in groups for i in group]
    groups = [g for n, g in enumerate(groups) if g or n]
    if order != [*term]:
        text = f"F.transpose({text}, axes={_order(term, order)})"
    if all(len(group) == 1 for group in groups):
        return text
    merged = []
    for group in groups:
        known = [sizes[i] for i in group]
        merged.append(None if None in known else math.prod(known))
    if merged.count(None) > 1:
        raise Refused("an einsum of several open sizes")
    return f"F.reshape({text}, shape={tuple(-1 if n is None else n for n in merged)})"


def _order(have: Any, want: Any) -> tuple:
    return tuple([*have].index(i) for i in want)


def _shape_of(indices: list, sizes: dict) -> tuple:
    found = [sizes[i] for i in indices]
    if found.count(None) > 1:
        raise Refused("an einsum of several open sizes")
    return tuple(-1 if n is None else n for n in found)


# Shapes.


@function("reshape")
def reshape(call: Any, x: Any, newshape: Any) -> str:
    newshape = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    if any(hasattr(size, "shape") for size in newshape):
        raise Refused("it reshapes to sizes that are computed")
    if not newshape or 0 in newshape:
        raise Refused("a shape without axes, or without elements")
    return reshaped(call.plain(), newshape)


def reshaped(text: str, shape: tuple) -> str:
    """In MXNet's language: 0 is the size that the axis has, -1 what is left."""
    return f"F.reshape({text}, shape={tuple(int(n) for n in shape)})"


@function("transpose")
def transpose(call: Any, x: Any, axes: Any = None) -> str | None:
    axes = tuple(axes) if axes is not None else tuple(reversed(range(len(x.shape))))
    return permuted(call, axes)


def permuted(call: Any, axes: tuple) -> str | None:
    """Axes in another order; a change between channels last and second costs nothing."""
    return None if costs_nothing(call, axes) else f"F.transpose({call.plain()}, axes={axes})"


@function("swapaxes")
def swapaxes(call: Any, x: Any, axis1: int, axis2: int) -> str:
    rank = len(x.shape)
    return f"F.swapaxes({call.plain()}, {axis1 % rank}, {axis2 % rank})"


@function("moveaxis")
def moveaxis(call: Any, x: Any, source: Any, destination: Any) -> str | None:
    rank = len(x.shape)
    moved = [[source], [destination]] if isinstance(source, int) else [source, destination]
    sources, places = ([a % rank for a in axes] for axes in moved)
    rest = [a for a in range(rank) if a not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        rest.insert(place, axis)
    return permuted(call, tuple(rest))


@function("expand_dims")
def expand_dims(call: Any, x: Any, axis: int) -> str:
    if not isinstance(axis, int):
        raise Refused("ops.expand_dims of several axes")
    return f"F.expand_dims({call.plain()}, axis={axis})"


@function("squeeze")
def squeeze(call: Any, x: Any, axis: Any = None) -> str:
    if axis is None:
        raise Refused("ops.squeeze without an axis, which would take away a batch of 1")
    return f"F.squeeze({call.plain()}, axis={axis})"


@function("concatenate")
def concatenate(call: Any, xs: Any, axis: int = 0) -> str:
    names, axis = joined(call, xs, axis)
    return f"F.concat({', '.join(names)}, dim={axis})"


@function("stack")
def stack(call: Any, x: Any, axis: int = 0) -> str:
    return f"F.stack({', '.join(map(call.text, x))}, axis={axis})"


@function("split")
def split(call: Any, x: Any, indices_or_sections: Any, axis: int = 0) -> str:
    if not isinstance(indices_or_sections, int):
        raise Refused("ops.split at indices")
    return f"F.split({call.plain()}, num_outputs={indices_or_sections}, axis={axis})"


@function("flip")
def flip(call: Any, x: Any, axis: Any = None) -> str:
    rank = len(x.shape)
    axes = range(rank) if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    axes = tuple(a % rank for a in axes)
    return f"F.flip({call.plain()}, axis={axes[0] if len(axes) == 1 else axes})"


@function("repeat")
def repeat(call: Any, x: Any, repeats: Any, axis: Any = None) -> str:
    if not isinstance(repeats, int) or axis is None:
        raise Refused("ops.repeat without an axis, or another number of times for each element")
    return f"F.repeat({call.plain()}, repeats={repeats}, axis={axis})"


@function("tile")
def tile(call: Any, x: Any, repeats: Any) -> str:
    repeats = [repeats] if isinstance(repeats, int) else list(repeats)
    return f"F.tile({call.plain()}, reps={tuple(repeats)})"


@function("broadcast_to")
def broadcast_to(call: Any, x: Any, shape: Any) -> str:
    # 0 is the size that the tensor has.
    sizes = [0 if s is None or s == old else s for s, old in zip(shape, x.shape, strict=False)]
    if len(shape) != len(x.shape) or any(hasattr(s, "shape") or s == -1 for s in sizes):
        raise Refused("ops.broadcast_to more axes, or sizes that are computed")
    return f"F.broadcast_to({call.plain()}, shape={tuple(sizes)})"


@function("pad")
def pad(
    call: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> str:
    pairs = [pad_width] * len(x.shape) if isinstance(pad_width, int) else pad_width
    pairs = [(p, p) if isinstance(p, int) else tuple(p) for p in pairs]
    if mode != "constant" or not isinstance(constant_values or 0, int | float):
        raise Refused(f"ops.pad with mode={mode!r}, or with a value that is computed")
    return padded(call, call.plain(), pairs, constant_values or 0)


def padded(call: Any, x: str, pairs: Any, value: float = 0) -> str:
    """All axes padded, which F.pad can do for two and three axes behind the second."""
    pairs = [tuple(int(n) for n in pair) for pair in pairs]
    fill = "" if not value else f", constant_value={_number(value)}"
    if len(pairs) in (4, 5) and not any(map(sum, pairs[:2])):
        flat = tuple(n for pair in pairs for n in pair)
        return f"F.pad({x}, mode='constant', pad_width={flat}{fill})"
    if len(pairs) == 3 and not any(map(sum, pairs[:2])):
        behind = f", {_number(value)}" if value else ""
        return f"{call.helper('pad_steps')}(F, {x}, {pairs[2][0]}, {pairs[2][1]}{behind})"
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            behind = f", {_number(value)}" if value else ""
            x = f"{call.helper('pad_axis')}(F, {x}, {axis}, {before}, {after}{behind})"
    return x


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"float('{value}')"


@function("get_item")
def get_item(call: Any, x: Any, key: Any) -> str:
    keys = key if isinstance(key, tuple) else (key,)
    if any(hasattr(k, "shape") or isinstance(k, list) for k in keys):
        raise Refused("a tensor as an index; write ops.take")
    taken = sum(k is not None and k is not Ellipsis for k in keys)
    if Ellipsis in keys:
        i = keys.index(Ellipsis)
        keys = (*keys[:i], *[slice(None)] * (len(x.shape) - taken), *keys[i + 1 :])
    text, axis = call.plain(), 0
    gone: list[int] = []
    new: list[int] = []
    for k in keys:
        if k is None:
            new.append(axis - len(gone) + len(new))
            continue
        if isinstance(k, slice):
            text = _sliced(text, k, axis, len(x.shape))
        else:
            end = None if k == -1 else k + 1
            text = f"F.slice_axis({text}, axis={axis}, begin={k}, end={end})"
            gone.append(axis)
        axis += 1
    if len(gone) == len(x.shape):
        gone = gone[1:]  # MXNet's arrays have an axis at least
    if gone:
        text = f"F.squeeze({text}, axis={gone[0] if len(gone) == 1 else tuple(gone)})"
    for place in new:
        text = f"F.expand_dims({text}, axis={place})"
    return text


def _sliced(text: str, k: slice, axis: int, rank: int) -> str:
    parts = [k.start, k.stop, k.step]
    if any(not isinstance(p, int | None) for p in parts):
        raise Refused("a slice whose bounds are computed")
    if (k.step or 1) < 0:
        raise Refused("a slice with a negative step; write ops.flip")
    if k.step in (None, 1):
        if k.start in (None, 0) and k.stop is None:
            return text
        return f"F.slice_axis({text}, axis={axis}, begin={k.start or 0}, end={k.stop})"
    begin, end, step = ([None] * axis + [p] for p in parts)
    return f"F.slice({text}, begin={tuple(begin)}, end={tuple(end)}, step={tuple(step)})"


@function("take")
def take(call: Any, x: Any, indices: Any, axis: Any = None) -> str:
    if axis is None or hasattr(axis, "shape"):
        raise Refused("ops.take without an axis")
    if isinstance(indices, int):
        return get_item(call, x, (*[slice(None)] * (axis % len(x.shape)), indices))
    if isinstance(x, KerasTensor) and id(x) in call.scope.block.weights and axis == 0:
        return embedding(call, x, indices)
    return f"F.take({call.text(x)}, {call.text(indices)}, axis={axis}, mode='wrap')"


@function("one_hot")
def one_hot(call: Any, x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> str:
    if axis != -1:
        raise Refused("ops.one_hot along another axis than the last")
    text = f"F.one_hot({call.plain()}, {num_classes})"
    if "float" in call.outputs[0].dtype:
        return f"{call.scope.single('floats', call.helper('Floats') + '()')}({text})"
    return _integers(text, call.outputs[0].dtype)


@function("embedding")
def embedding(call: Any, table: Any, indices: Any) -> str:
    if not hasattr(indices, "shape"):
        raise Refused("a number as an index of a table")
    sizes = f"input_dim={table.shape[0]}, output_dim={table.shape[1]}"
    return f"F.Embedding({call.text(indices)}, {call.text(table)}, {sizes})"


@function("attention")
def attention(
    call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
) -> str:
    if len(query.shape) < 3:
        raise Refused("attention without a batch")
    given = [call.text(x) for x in (query, key, value)]
    return _attention(call, given, bias, scale)


def _attention(call: Any, given: list[str], bias: Any, scale: Any) -> str:
    behind = "" if bias is None else f", {call.text(bias)}"
    return f"{call.helper('attention')}(F, {', '.join(given)}, {scale!r}{behind})"


@function("grouped_attention")
def grouped_attention(
    call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
) -> str:
    each = query.shape[1] // key.shape[1]
    given = [f"F.repeat({call.text(x)}, repeats={each}, axis=1)" for x in (key, value)]
    return _attention(call, [call.text(query), *given], bias, scale)


@function("full_like")
def full_like(call: Any, x: Any, fill_value: Any, dtype: Any = None) -> str:
    if dtype is not None or not isinstance(fill_value, int | float):
        raise Refused("ops.full_like with a dtype, or a value that is computed")
    return f"F.zeros_like({call.text(x)}) + {fill_value!r}"


@function("rms_normalization")
def rms_normalization(call: Any, x: Any, scale: Any, axis: Any, epsilon: float) -> str:
    if list(axis) not in ([-1], [len(x.shape) - 1]):
        raise Refused("RMS normalization along other axes than the last")
    return f"{call.helper('rms_norm')}(F, {call.plain()}, {call.text(scale)}, {epsilon!r})"


@function("normalize")
def normalize(call: Any, x: Any, axis: int = -1, order: Any = 2, epsilon: Any = 1e-7) -> str:
    if order != 2 or not isinstance(axis, int):
        raise Refused("ops.normalize of another order than 2")
    return f"{call.helper('unit_norm')}(F, {call.plain()}, {axis}, {epsilon**2!r})"

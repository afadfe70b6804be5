"""Functions that change shapes, join, pad and index."""

from __future__ import annotations

import math
from typing import Any

from unidl.port.errors import Refused
from unidl.port.source.rules import costs_nothing, joined
from unidl.tracing import KerasTensor
from unidl_mxnet.port.source.functions import function, integers


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
def expand_dims(call: Any, x: Any, axis: Any) -> str:
    rank, text = len(call.outputs[0].shape), call.plain()
    for each in (axis,) if isinstance(axis, int) else sorted(a % rank for a in axis):
        text = f"F.expand_dims({text}, axis={each})"
    return text


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


@function("roll")
def roll(call: Any, x: Any, shift: Any, axis: Any = None) -> str:
    if axis is None:
        raise Refused("ops.roll without an axis")
    text, rank = call.text(x), len(x.shape)
    one = isinstance(axis, int)
    for n, a in zip([shift] if one else shift, [axis] if one else axis, strict=True):
        size = x.shape[a]
        if size is None:
            raise Refused("ops.roll along an open axis")
        if n % size:
            text = f"{call.helper('roll')}(F, {text}, {n % size}, {a % rank})"
    return text


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
    return integers(text, call.outputs[0].dtype)


@function("embedding")
def embedding(call: Any, table: Any, indices: Any) -> str:
    if not hasattr(indices, "shape"):
        raise Refused("a number as an index of a table")
    sizes = f"input_dim={table.shape[0]}, output_dim={table.shape[1]}"
    return f"F.Embedding({call.text(indices)}, {call.text(table)}, {sizes})"

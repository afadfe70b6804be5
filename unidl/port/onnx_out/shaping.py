"""Writers: functions that move elements without changing them."""

from __future__ import annotations

from typing import Any

from unidl.port.exports.axes import key_of
from unidl.port.onnx_out.layouts import common_order, moved, plain
from unidl.port.onnx_out.sizes import size_tensor, sizes_tensor
from unidl.port.onnx_out.table import Laid, writes
from unidl.tracing.sizes import OpenSize

LAST = 2**63 - 1


@writes("reshape")
def reshape(to: Any, spec: Any, x: Any, shape: Any) -> str:
    """With 0 where a size stays at its place and -1 for one that follows, so that no size has to be
    computed."""
    wanted: list[Any] = []
    for place, (size, given) in enumerate(zip(spec.shape, shape, strict=True)):
        is_open = type(size) is OpenSize
        stays = is_open and place < len(x.shape) and key_of(x.shape[place]) == key_of(size)
        follows = type(given) is not OpenSize and given == -1
        wanted.append(0 if stays else -1 if follows else size)
    computed = [place for place, size in enumerate(wanted) if type(size) is OpenSize]
    if 0 in spec.shape or (-1 in wanted and 0 in x.shape):
        return to.node("Reshape", x, sizes_tensor(to, spec.shape), allowzero=1)
    if len(computed) == 1 and -1 not in wanted:
        wanted[computed[0]] = -1
    return to.node("Reshape", x, sizes_tensor(to, wanted))


@writes("transpose")
def transpose(to: Any, spec: Any, x: Any, axes: Any) -> Laid:
    """No node yet: the same tensor, whose axes have other numbers."""
    name, order = to.any_order(x)
    return Laid(name, tuple(list(axes).index(a) for a in order))


@writes("broadcast_to")
def broadcast_to(to: Any, spec: Any, x: Any, shape: Any) -> str:
    return to.node("Expand", x, sizes_tensor(to, [1 if s == -1 else s for s in shape]))


@writes("expand_dims")
def expand_dims(to: Any, spec: Any, x: Any, axis: Any) -> str:
    rank = len(spec.shape)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return to.node("Unsqueeze", x, to.ints(sorted(a % rank for a in axes)))


@writes("squeeze")
def squeeze(to: Any, spec: Any, x: Any, axis: Any) -> str:
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return to.node("Squeeze", x, to.ints(sorted(a % len(x.shape) for a in axes)))


@writes("concatenate")
def concatenate(to: Any, spec: Any, xs: Any, axis: int) -> Laid:
    axes = common_order(xs, len(spec.shape))
    return Laid(to.node("Concat", *(to(x, axes) for x in xs), axis=moved(axes, [axis])[0]), axes)


@writes("split")
def split(to: Any, spec: Any, x: Any, indices_or_sections: Any, axis: int) -> Any:
    sizes = [part.shape[axis] for part in spec]
    if OpenSize in map(type, sizes) or len(sizes) < 2:
        return NotImplemented
    return to.node("Split", x, to.ints(sizes), outputs=len(sizes), axis=axis % len(x.shape))


def as_it_is(to: Any, x: Any, function: Any) -> Any:
    """function(x, order), computed with the axes of `x` in the order in which it is in the graph;
    None if that is the plain one."""
    _, order = to.any_order(x)
    if order == plain(len(order)):
        return None
    made = function(to.transpose(x, order), order)
    return to.transpose(made, tuple(order.index(a) for a in range(len(order))))


@writes("flip")
def flip(to: Any, spec: Any, x: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    count = len(axes)
    if not count:
        return x
    ends = (to.ints([-1] * count), to.ints([-LAST] * count))
    axes = to.ints([a % len(x.shape) for a in axes])
    return to.node("Slice", x, *ends, axes, to.ints([-1] * count))


@writes("tile")
def tile(to: Any, spec: Any, x: Any, repeats: Any) -> str:
    return to.node("Tile", x, sizes_tensor(to, repeats))


@writes("repeat")
def repeat(to: Any, spec: Any, x: Any, repeats: int, axis: int) -> Any:
    axis = axis % len(x.shape)
    found = as_it_is(to, x, lambda y, order: to.repeat(y, repeats, order.index(axis)))
    if found is not None:
        return found
    wide = to.expand_dims(x, axis + 1)
    times = tuple(repeats if a == axis + 1 else 1 for a in range(len(wide.shape)))
    return to.reshape(to.tile(wide, times), spec.shape)


@writes("pad")
def pad(
    to: Any, spec: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0
) -> Any:
    if mode == "symmetric":
        return _mirrored(to, x, pad_width)
    if x.dtype == "bool":
        padded = to.pad(to.cast(x, "int32"), pad_width, mode, int(constant_values))
        return to.cast(padded, "bool")
    name, axes = to.any_order(x)
    sizes = [pad_width[a][side] for side in (0, 1) for a in axes]
    filling = to.number(constant_values, x.dtype) if mode == "constant" else None
    return Laid(to.node("Pad", name, sizes_tensor(to, sizes), filling, mode=mode), axes)


def _mirrored(to: Any, x: Any, pad_width: Any) -> Any:
    """ONNX mirrors without the border alone."""
    for axis, (before, after) in enumerate(pad_width):
        key = (slice(None),) * axis
        parts = [x]
        if before:
            parts.insert(0, to.flip(to.getitem(x, (*key, slice(0, before))), axis))
        if after:
            parts.append(to.flip(to.getitem(x, (*key, slice(-after, None))), axis))
        x = to.concatenate(parts, axis) if len(parts) > 1 else x
    return x


def scalar(to: Any, size: Any) -> str:
    """A size as a tensor ()."""
    return to.node("Squeeze", size_tensor(to, size), to.ints([0]))

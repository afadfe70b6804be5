"""Writers: slices, lookups, scatters."""

from __future__ import annotations

from typing import Any

from unidl.port.exports.axes import key_of
from unidl.port.onnx_out.elementwise import cast_to
from unidl.port.onnx_out.shaping import LAST, as_it_is
from unidl.port.onnx_out.sizes import is_written, sizes_tensor
from unidl.port.onnx_out.table import writes


@writes("getitem")
def getitem(to: Any, spec: Any, x: Any, key: Any) -> Any:
    """One Slice, then the axes of single indices go and new ones come."""
    key = key if isinstance(key, tuple) else (key,)
    if not any(k is Ellipsis for k in key):
        key = (*key, Ellipsis)
    used = sum(1 for k in key if k is not None and k is not Ellipsis)
    if all(k is Ellipsis or isinstance(k, slice) for k in key):  # a crop
        found = as_it_is(to, x, lambda y, order: to.getitem(y, _in(order, key, used)))
        if found is not None:
            return found
    cuts: list[tuple[Any, ...]] = []
    gone: list[int] = []
    new: list[int] = []
    axis, place = 0, 0
    for k in key:
        if k is Ellipsis:
            axis += len(x.shape) - used
            place += len(x.shape) - used
        elif k is None:
            new.append(place)
            place += 1
        elif isinstance(k, slice):
            if k != slice(None):
                cuts.append(_cut(axis, k))
            axis, place = axis + 1, place + 1
        else:
            index = k if isinstance(k, int) else k.__index__()
            cuts.append((index, LAST if index == -1 else index + 1, axis, 1))
            gone.append(axis)
            axis += 1
    name = to(x)
    if cuts:
        starts, ends, axes, steps = zip(*cuts, strict=True)
        name = to.node(
            "Slice", name, sizes_tensor(to, starts), sizes_tensor(to, ends), to.ints(axes),
            sizes_tensor(to, steps),
        )  # fmt: skip
    if gone:
        name = to.node("Squeeze", name, to.ints(gone))
    return to.node("Unsqueeze", name, to.ints(new)) if new else name if cuts else x


def _in(order: tuple[int, ...], key: Any, used: int) -> tuple[slice, ...]:
    """The slices `key` for axes in another order."""
    slices: list[slice] = []
    for k in key:
        slices += [slice(None)] * (len(order) - used) if k is Ellipsis else [k]
    return tuple(slices[a] for a in order)


def _cut(axis: int, key: slice) -> tuple[Any, ...]:
    step = 1 if key.step is None else key.step
    start = key.start if key.start is not None else 0 if step > 0 else LAST
    stop = key.stop if key.stop is not None else LAST if step > 0 else -LAST
    return start, stop, axis, step


@writes("take")
def take(to: Any, spec: Any, x: Any, indices: Any, axis: int) -> str:
    return to.node("Gather", x, _indices(to, indices), axis=axis % len(x.shape))


@writes("embedding")
def embedding(to: Any, spec: Any, table: Any, indices: Any) -> str:
    return to.node("Gather", table, _indices(to, indices), axis=0)


def _indices(to: Any, indices: Any) -> str:
    name = to(indices)
    return name if indices.dtype in ("int32", "int64") else cast_to(to, name, "int64")


@writes("take_along_axis")
def take_along_axis(to: Any, spec: Any, x: Any, indices: Any, axis: int) -> str:
    axis = axis % len(x.shape)
    given = [*spec.shape[:axis], x.shape[axis], *spec.shape[axis + 1 :]]
    x, indices = _spread(to, x, given), _spread(to, indices, spec.shape)
    return to.node("GatherElements", x, _indices(to, indices), axis=axis)


def _spread(to: Any, x: Any, shape: Any) -> Any:
    """`x` of exactly this shape: GatherElements does not broadcast."""
    if list(map(key_of, x.shape)) == list(map(key_of, shape)):
        return x
    return to.broadcast_to(x, [s if is_written(to.graph, s) else -1 for s in shape])


@writes("scatter_add")
def scatter_add(to: Any, spec: Any, x: Any, indices: Any, updates: Any) -> Any:
    return _scattered(to, x, indices, updates, reduction="add")


@writes("scatter_update")
def scatter_update(to: Any, spec: Any, x: Any, indices: Any, updates: Any) -> Any:
    return _scattered(to, x, indices, updates)


def _scattered(to: Any, x: Any, indices: Any, updates: Any, **how: Any) -> Any:
    return to.node("ScatterND", x, to.cast(indices, "int64"), updates, **how)

"""Shapes, slices and copies in the code of a user's own `forward`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from unidl import ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl_torch.port.function_table import function, listed, sees_result, value
from unidl_torch.port.open_size import is_open
from unidl_torch.port.simple import flattened


@function(torch.flatten, methods=("flatten",))
def flatten(x, start_dim=0, end_dim=-1):
    start, end = start_dim % x.rank, end_dim % x.rank
    if start == 0 and end > 0 and x.shape[0] is None:
        return Laid(ops.reshape(x.first(), (-1, *x.shape[end + 1 :])))
    return flattened(x, start_dim, end_dim)


@function(torch.cat, torch.concat, torch.concatenate)
def cat(tensors, dim=0, axis=None):
    dim = dim if axis is None else axis
    first = next(x for x in tensors if isinstance(x, Laid))
    if all(isinstance(x, Laid) and x.channels_last == first.channels_last for x in tensors):
        return first.like(ops.concatenate([x.tensor for x in tensors], axis=first.axis(dim)))
    return Laid(ops.concatenate([value(x) for x in tensors], axis=dim))


@function(torch.stack)
def stack(tensors, dim=0):
    return Laid(ops.stack([value(x) for x in tensors], axis=dim))


@function(torch.reshape, methods=("view", "reshape", "view_as", "reshape_as"))
@sees_result
def reshape(x, *shape, result):
    if isinstance(shape[0], torch.dtype):
        raise Refused("a view in another dtype")
    shape = shape[0].shape if isinstance(shape[0], Laid) else listed(shape)
    return _reshaped(x, shape, result)


def _reshaped(x, shape, result):
    """One axis is open, before and after."""
    if None not in x.shape:
        return Laid(ops.reshape(x.first(), result))
    opened = [i for i, n in enumerate(shape) if n is None or is_open(n)]
    opened = opened or [i for i, n in enumerate(shape) if not is_open(n) and n == -1]
    if not opened:
        raise Refused(f"a reshape to {tuple(shape)}, which fixes the size of the batch")
    if len(opened) > 1:
        raise Refused(f"a reshape to {result}, two sizes of which follow the batch")
    sizes = [-1 if i == opened[0] else n for i, n in enumerate(result)]
    return Laid(ops.reshape(x.first(), sizes))


@function(methods=("unflatten",))
@sees_result
def unflatten(x, dim, sizes, result):
    axis = dim % x.rank
    return _reshaped(x, (*x.shape[:axis], *sizes, *x.shape[axis + 1 :]), result)


@function(torch.permute, methods=("permute",))
def permute(x, *dims):
    return Laid(ops.transpose(x.first(), tuple(d % x.rank for d in listed(dims))))


@function(torch.transpose, torch.swapaxes, methods=("transpose", "swapaxes", "swapdims"))
def transpose(x, dim0, dim1):
    axes = list(range(x.rank))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return Laid(ops.transpose(x.first(), axes))


@function(torch.t, methods=("T", "mT", "t"))
def transposed(x):
    return transpose(x, -1, -2)


@function(torch.movedim, methods=("movedim",))
def movedim(x, source, destination):
    return Laid(ops.moveaxis(x.first(), source, destination))


@function(torch.unsqueeze, methods=("unsqueeze",))
def unsqueeze(x, dim):
    return Laid(ops.expand_dims(x.first(), dim))


@function(torch.squeeze, methods=("squeeze",))
def squeeze(x, dim=None):
    if dim is None:
        if x.shape[0] is None:
            raise Refused("squeeze of every axis of size 1, which may be the batch; name the axis")
        return Laid(ops.squeeze(x.first()))
    return Laid(ops.squeeze(x.first(), dim)) if x.shape[dim] == 1 else x


@function(torch.chunk, methods=("chunk",))
def chunk(x, chunks, dim=0):
    return split(x, -(-_known(x, dim) // chunks), dim)


@function(torch.tensor_split, methods=("tensor_split",))
def tensor_split(x, indices_or_sections=None, dim=0, *, indices=None, sections=None):
    size = _known(x, dim)
    places = indices_or_sections if indices is None else indices
    if sections is not None or isinstance(places, int):
        raise Refused("tensor_split in a number of parts; write where to split")
    ends = [0, *places, size]
    return _parts(x, [b - a for a, b in pairwise(ends)], dim)


@function(torch.split, methods=("split", "split_with_sizes"))
def split(x, split_size_or_sections, dim=0):
    size, each = _known(x, dim), split_size_or_sections
    if isinstance(each, int):
        each = [min(each, size - i) for i in range(0, size, each)]
    return _parts(x, each, dim)


def _parts(x, sizes, dim):
    axis = x.axis(dim)
    if len(sizes) == 1:
        return (x,)
    alike = len(set(sizes)) == 1
    where = len(sizes) if alike else [int(n) for n in np.cumsum(sizes)[:-1]]
    return tuple(x.like(part) for part in ops.split(x.tensor, where, axis=axis))


def _known(x, dim):
    size = x.shape[dim % x.rank]
    if size is None:
        raise Refused("it divides the batch, or goes through it row by row")
    return size


@function(torch.unbind, methods=("unbind",))
def unbind(x, dim=0):
    size = _known(x, dim)
    return tuple(Laid(ops.take(x.first(), i, axis=dim)) for i in range(size))


@function(torch.select, methods=("select",))
def select(x, dim, index):
    return Laid(ops.take(x.first(), int(index), axis=dim))


@function(torch.narrow, methods=("narrow",))
def narrow(x, dim, start, length):
    index = [slice(None)] * x.rank
    index[dim] = slice(start, start + length)
    return Laid(x.first()[tuple(index)])


@function(methods=("__getitem__",))
def getitem(x, index):
    parts = index if isinstance(index, tuple) else (index,)
    looked_up = [i for i, part in enumerate(parts) if isinstance(part, (Laid, np.ndarray, list))]
    if not looked_up:
        return Laid(x.first()[index])
    (place,) = looked_up[:1]
    others = [p for i, p in enumerate(parts) if i != place]
    whole = all(isinstance(p, slice) and p == slice(None) for p in others)
    chosen = parts[place]
    if isinstance(chosen, np.ndarray) and chosen.dtype == bool:
        raise Refused("a choice by a mask, whose size depends on values")
    if len(looked_up) > 1 or not whole:
        raise Refused("a choice by several tensors")
    return Laid(ops.take(value(x), value(chosen), axis=place))


def written(x, index, new):
    """x with `new` at `index`: slices of neighbours, and numbers."""
    tensor, new = value(x), new if np.isscalar(new) else value(new)
    rank = len(tensor.shape)
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [p for p in parts if not isinstance(p, (Laid, np.ndarray))]:
        i = parts.index(Ellipsis)
        parts[i : i + 1] = [slice(None)] * (rank - len(parts) + 1)
    parts += [slice(None)] * (rank - len(parts))
    pairs, mask, dropped = [], np.ones((1,) * rank, bool), []
    for axis, (part, size) in enumerate(zip(parts, tensor.shape, strict=True)):
        if isinstance(part, slice) and part == slice(None):
            pairs.append((0, 0))
            continue
        if isinstance(part, int) and size is not None:
            dropped.append(axis)
            part = slice(part % size, part % size + 1)
        if not isinstance(part, slice) or size is None or part.step not in (None, 1):
            raise Refused("it writes into a tensor at places that are no slice of neighbours")
        start, stop, _ = part.indices(size)
        pairs.append((start, size - stop))
        inside = (np.arange(size) >= start) & (np.arange(size) < stop)
        mask = mask & inside.reshape([-1 if a == axis else 1 for a in range(rank)])
    if not np.isscalar(new) and len(new.shape):
        for axis in dropped:
            new = ops.expand_dims(new, axis) if len(new.shape) < rank else new
        missing = rank - len(new.shape)
        have = [1] * missing + list(new.shape)
        inner = [(a, b) if n != 1 else (0, 0) for (a, b), n in zip(pairs, have, strict=True)]
        new = ops.pad(new, inner[missing:])
    return Laid(ops.where(mask, new, tensor))


@function(methods=("zero_",))
def zero(x):
    return x.like(ops.zeros_like(x.tensor))


@function(methods=("fill_",))
def fill(x, number):
    return x.like(ops.full_like(x.tensor, number))


@function(methods=("copy_",))
@sees_result
def copy(x, other, non_blocking=False, *, result):
    return Laid(ops.zeros_like(x.first()) + value(other))


@function(torch.index_select, methods=("index_select",))
def index_select(x, dim, index):
    return Laid(ops.take(value(x), value(index), axis=dim))


@function(torch.gather, methods=("gather",))
def gather(x, dim, index, *, sparse_grad=False):
    return Laid(ops.take_along_axis(value(x), value(index), axis=dim))


@function(methods=("contiguous", "clone", "requires_grad_", "cpu"))
@function(torch.clone)
def unchanged(x, *_, **__):
    return x


@function(torch.detach, methods=("detach", "data"))
def detach(x):
    return x.like(ops.stop_gradient(x.tensor))


@function(methods=("to", "type", "type_as", "float", "double", "long", "int", "bool", "half"))
def cast(x, *_, **__):
    """What comes out is cast to the dtype that it has in torch, as after every function."""
    return x


@function(torch.roll, methods=("roll",))
def roll(x, shifts, dims=None):
    if dims is None:
        raise Refused("roll of the flat tensor, the batch among it")
    return Laid(ops.roll(x.first(), shifts, axis=dims))


@function(torch.flip, methods=("flip",))
def flip(x, *dims):
    return Laid(ops.flip(x.first(), axis=listed(dims)))


@function(torch.repeat_interleave, methods=("repeat_interleave",))
def repeat_interleave(x, repeats, dim=None, *, output_size=None):
    if dim is None or not isinstance(repeats, int):
        raise Refused("repeat_interleave without an axis, or with a tensor of counts")
    return Laid(ops.repeat(x.first(), repeats, axis=dim))


@function(torch.tile, methods=("repeat", "tile"))
@sees_result
def tile(x, *counts, result):
    counts = listed(counts)
    if any(map(is_open, counts)):
        shape = [1] * (len(counts) - len(x.shape)) + list(x.shape)
        if any(is_open(n) and size != 1 for n, size in zip(counts, shape, strict=True)):
            raise Refused("it repeats rows as often as the batch is long")
        wanted = [n if is_open(n) else size for n, size in zip(counts, shape, strict=True)]
        x = expanded(x, wanted, [int(n) if n is not None else 1 for n in wanted])
        counts = [1 if is_open(n) else n for n in counts]
    return Laid(ops.tile(value(x), tuple(map(int, counts))))


@function(torch.broadcast_to, methods=("expand", "expand_as", "broadcast_to"))
@sees_result
def expand(x, *shape, result):
    if isinstance(shape[0], Laid):
        return Laid(value(x) + ops.zeros_like(shape[0].first()))
    return expanded(x, listed(shape), result)


def expanded(x, shape, result):
    """An open axis cannot be asked for by its size, so it comes from zeros that have it."""
    tensor = value(x)
    have = [1] * (len(result) - len(tensor.shape)) + list(tensor.shape)
    dtype = str(tensor.dtype)
    fixed, opened = [1] * len(result), []
    for i, (wanted, there, size) in enumerate(zip(shape, have, result, strict=True)):
        if there == 1 and is_open(wanted):
            opened.append((i, wanted))
        elif there == 1:
            fixed[i] = size
    both = ops.logical_or if dtype == "bool" else ops.add
    for i, wanted in opened:
        row = ops.cast(wanted.zeros(), dtype)
        tensor = both(tensor, ops.reshape(row, [-1 if a == i else 1 for a in range(len(result))]))
    if max(fixed, default=1) > 1 or len(tensor.shape) < len(result):
        tensor = both(tensor, np.zeros(fixed, dtype))
    return Laid(tensor)


@function(torch.tril, methods=("tril",))
def tril(x, diagonal=0):
    return Laid(ops.tril(x.first(), diagonal))


@function(torch.triu, methods=("triu",))
def triu(x, diagonal=0):
    return Laid(ops.triu(x.first(), diagonal))


@function(torch.zeros_like)
def zeros_like(x, **_):
    return x.like(ops.zeros_like(x.tensor))


@function(torch.ones_like)
def ones_like(x, **_):
    return x.like(ops.ones_like(x.tensor))


@function(torch.full_like)
def full_like(x, number, **_):
    return x.like(ops.full_like(x.tensor, number))


def filled(shape, number, dtype, result):
    """A tensor of one number."""
    kind = "float32" if dtype is None else str(dtype).removeprefix("torch.")
    return expanded(np.full((1,) * len(result), number, kind), shape, result)


@function(torch.zeros, torch.empty)
@sees_result
def zeros(*sizes, result, size=None, dtype=None, device=None, layout=None, requires_grad=False):
    return filled(listed(sizes) if size is None else size, 0, dtype, result)


@function(torch.ones)
@sees_result
def ones(*sizes, result, size=None, dtype=None, device=None, layout=None, requires_grad=False):
    return filled(listed(sizes) if size is None else size, 1, dtype, result)


@function(torch.full)
@sees_result
def full(size, fill_value, *, result, dtype=None, device=None, layout=None, requires_grad=False):
    return filled(size, fill_value, dtype, result)


@function(methods=("new_zeros", "new_empty"))
@sees_result
def new_zeros(x, *sizes, result, dtype=None, device=None, requires_grad=False):
    return filled(listed(sizes), 0, dtype, result)


@function(methods=("new_ones",))
@sees_result
def new_ones(x, *sizes, result, dtype=None, device=None, requires_grad=False):
    return filled(listed(sizes), 1, dtype, result)


@function(methods=("new_full",))
@sees_result
def new_full(x, size, fill_value, *, result, dtype=None, device=None, requires_grad=False):
    return filled(size, fill_value, dtype, result)

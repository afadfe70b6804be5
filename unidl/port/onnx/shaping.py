"""Operators that reorder, join, cut and repeat."""

from __future__ import annotations

import math

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import axes_of, host, ints


@handles("Shape")
def shape(node, x):
    """int64 sizes from axis `start` up to `end`."""
    return np.asarray(ops.shape(x)[slice(node["start"], node["end"])], "int64")


@handles("Size")
def size(node, x):
    return np.asarray(ops.size(x), "int64")


@handles("Reshape")
def reshape(node, x, target=None):
    """0 keeps the size of x there, unless `allowzero`."""
    target = ints(node["shape"]) if node.since < 5 else ints(target)
    if not node["allowzero"]:
        target = [ops.shape(x)[place] if n == 0 else n for place, n in enumerate(target)]
    return ops.reshape(x, target)


@handles("Flatten")
def flatten(node, x):
    sizes = ops.shape(x)
    axis = node["axis"] + (len(sizes) if node["axis"] < 0 else 0)
    return ops.reshape(x, (math.prod(sizes[:axis]), math.prod(sizes[axis:])))


@handles("Transpose")
def transpose(node, x):
    return ops.transpose(x, node["perm"])


@handles("Squeeze")
def squeeze(node, x, *axes):
    axes = axes_of(node, (x, *axes))
    return ops.squeeze(x, axes if axes is None else tuple(axes))


@handles("Unsqueeze")
def unsqueeze(node, x, *axes):
    axes = axes_of(node, (x, *axes))
    rank = len(ops.shape(x)) + len(axes)
    for axis in sorted(a % rank for a in axes):
        x = ops.expand_dims(x, axis)
    return x


@handles("Concat")
def concatenate(node, *xs):
    return ops.concatenate(list(xs), node["axis"])


@handles("Split")
def split(node, x, sizes=None):
    """Into parts of the given sizes; else equal ones, of which the last may be smaller."""
    sizes = ints(node["split"]) if "split" in node else ints(sizes)
    axis = node["axis"] or 0
    if sizes is None:
        total, parts = ops.shape(x)[axis], len(node.outputs)
        each = -(-total // parts)
        sizes = [min(each, total - i * each) for i in range(parts)]
    return tuple(ops.split(x, np.cumsum(sizes)[:-1].tolist(), axis))


@handles("Slice")
def cut(node, x, starts=None, ends=None, axes=None, steps=None):
    """All in attributes before version 10."""
    if node.since < 10:
        starts, ends, axes = node["starts"], node["ends"], node["axes"]
    starts, ends, axes, steps = ints(starts), ints(ends), ints(axes), ints(steps)
    sizes = ops.shape(x)
    axes = range(len(starts)) if axes is None else axes
    key, backwards = [slice(None)] * len(sizes), []
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(starts), strict=True):
        axis %= len(sizes)
        if sizes[axis] is None:  # of a symbolic tensor
            key[axis] = _cut_of_open(node, start, end, step)
            continue
        places = range(sizes[axis])[start:end:step]
        if step < 0:
            # The same places from the first to the last, turned round afterwards.
            backwards.append(axis)
            places = places[::-1]
        key[axis] = slice(places.start, places.stop, places.step) if len(places) else slice(0, 0)
    x = ops.get_item(x, tuple(key))
    return ops.flip(x, tuple(backwards)) if backwards else x


def _cut_of_open(node, start, end, step):
    if step < 0:
        raise node.unsupported("an open axis is cut backwards.")
    return slice(start, None if end >= np.iinfo("int32").max else end, step)


@handles("Tile")
def tile(node, x, repeats):
    return ops.tile(x, ints(repeats))


@handles("Expand")
def expand(node, x, target):
    return ops.broadcast_to(x, np.broadcast_shapes(tuple(ints(target)), tuple(ops.shape(x))))


@handles("Pad")
def pad(node, x, pads=None, value=None, axes=None):
    """Negative amounts cut. Amounts and value are attributes before version 11."""
    if node.since < 11:
        pads, value = node["pads"], node["value"]
    pads, rank = ints(pads), len(ops.shape(x))
    axes = range(rank) if axes is None else [a % rank for a in ints(axes)]
    widths = [(0, 0)] * rank
    for axis, before, after in zip(
        axes, pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True
    ):
        widths[axis] = (before, after)
    x = ops.get_item(x, tuple(slice(max(0, -a), None if b >= 0 else b) for a, b in widths))
    widths = [(max(0, a), max(0, b)) for a, b in widths]
    if node["mode"] == "wrap":
        for axis, (before, after) in enumerate(widths):
            n = ops.shape(x)[axis]
            x = ops.take(x, np.arange(-before, n + after) % n, axis) if before or after else x
        return x
    if node["mode"] != "constant":
        return ops.pad(x, widths, node["mode"])
    return ops.pad(x, widths, constant_values=0 if value is None else host(value).item())


@handles("DepthToSpace")
def depth_to_space(node, x):
    """(n, c, h, w) -> (n, c / b**2, h * b, w * b), with the block's axes first (DCR) or last (CRD)
    in the depth."""
    (n, c, h, w), b = ops.shape(x), node["blocksize"]
    if node["mode"] == "CRD":
        x = ops.transpose(ops.reshape(x, (n, c // b**2, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    else:
        x = ops.transpose(ops.reshape(x, (n, b, b, c // b**2, h, w)), (0, 3, 4, 1, 5, 2))
    return ops.reshape(x, (n, c // b**2, h * b, w * b))


@handles("SpaceToDepth")
def space_to_depth(node, x):
    """The opposite of DepthToSpace."""
    (n, c, h, w), b = ops.shape(x), node["blocksize"]
    crd = node["mode"] == "CRD"
    x = ops.transpose(
        ops.reshape(x, (n, c, h // b, b, w // b, b)),
        (0, 1, 3, 5, 2, 4) if crd else (0, 3, 5, 1, 2, 4),
    )
    return ops.reshape(x, (n, c * b**2, h // b, w // b))


@handles("Trilu")
def triangle(node, x, k=None):
    k = 0 if k is None else ints(k)[0]
    rows, columns = ops.shape(x)[-2:]
    kept = np.tri(rows, columns, k - 1, dtype=bool)
    return ops.where(
        ~kept if node["upper"] else np.tri(rows, columns, k, dtype=bool), x, ops.zeros_like(x)
    )


@handles("ReverseSequence")
def reverse_sequence(node, x, lengths):
    """The first `lengths[i]` moments of sample i backwards."""
    batch, time = node["batch_axis"], node["time_axis"]
    x = ops.transpose(x, (batch, time, *range(2, len(ops.shape(x))))) if batch == 1 else x
    n, t = ops.shape(x)[:2]
    lengths, moments = np.asarray(ints(lengths))[:, None], np.arange(t)
    places = np.where(moments < lengths, lengths - 1 - moments, moments) + np.arange(n)[:, None] * t
    flat = ops.reshape(x, (n * t, *ops.shape(x)[2:]))
    y = ops.reshape(ops.take(flat, places.ravel(), 0), ops.shape(x))
    return ops.transpose(y, (1, 0, *range(2, len(ops.shape(x))))) if batch == 1 else y

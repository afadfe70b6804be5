"""Lookups and scatters."""

from __future__ import annotations

import math

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import host, ints


@handles("Gather")
def gather(node, x, indices):
    return ops.take(x, indices, node["axis"])


@handles("GatherElements")
def gather_elements(node, x, indices):
    axis, sizes = node["axis"] % len(ops.shape(x)), ops.shape(indices)
    key = tuple(slice(None) if a == axis else slice(0, n) for a, n in enumerate(sizes))
    return ops.take_along_axis(ops.get_item(x, key), indices, axis)


@handles("GatherND")
def gather_nd(node, x, indices):
    """x[indices[..., 0], indices[..., 1], ...], for each of the first `batch_dims` axes by
    itself."""
    batch, sizes = node["batch_dims"] or 0, ops.shape(x)
    *places, depth = ops.shape(indices)
    flat = _flat(indices, sizes[batch : batch + depth])
    each = math.prod(sizes[batch : batch + depth])
    if batch:
        offsets = (
            np.arange(math.prod(sizes[:batch])).reshape(
                *sizes[:batch], *[1] * (len(places) - batch)
            )
            * each
        )
        flat = ops.add(flat, offsets)
    return ops.take(ops.reshape(x, (-1, *sizes[batch + depth :])), flat, 0)


def _flat(indices, sizes):
    """Indices (..., k) of the axes of `sizes` as numbers of elements in order; negative ones count
    from the end."""
    total = None
    for place, n in enumerate(sizes):
        one = _positive(ops.get_item(indices, (Ellipsis, place)), n)
        total = one if total is None else ops.add(ops.multiply(total, n), one)
    return total


def _positive(indices, size):
    return ops.where(ops.less(indices, 0), ops.add(indices, size), indices)


def _reduction(node):
    return None if node["reduction"] == "none" else node["reduction"]


@handles("Scatter", "ScatterElements")
def scatter_elements(node, x, indices, updates):
    sizes, places = ops.shape(x), ops.shape(indices)
    axis = node["axis"] % len(sizes)
    grid = np.indices(places)
    columns = [_positive(indices, sizes[a]) if a == axis else grid[a] for a in range(len(sizes))]
    columns = [ops.cast(ops.reshape(c, (-1,)), "int64") for c in columns]
    return ops.scatter_update(
        x, ops.stack(columns, -1), ops.reshape(updates, (-1,)), _reduction(node)
    )


@handles("ScatterND")
def scatter_nd(node, x, indices, updates):
    depth = ops.shape(indices)[-1]
    indices = _positive(indices, np.asarray(ops.shape(x)[:depth]))
    return ops.scatter_update(x, indices, updates, _reduction(node))


@handles("TopK")
def top_k(node, x, k=None):
    """The k largest, or smallest, along `axis`, and their int64 places."""
    k = node["k"] if node.since < 10 else ints(k)[0]
    last = ops.moveaxis(x, node["axis"], -1)
    if node.since >= 11 and not node["largest"]:
        places = ops.get_item(ops.argsort(last, -1), (Ellipsis, slice(0, k)))
        values = ops.take_along_axis(last, places, -1)
    else:
        values, places = ops.top_k(last, k)
    return ops.moveaxis(values, -1, node["axis"]), ops.cast(
        ops.moveaxis(places, -1, node["axis"]), "int64"
    )


@handles("NonZero")
def nonzero(node, x):
    """int64 (axes, k) places of the elements that are not 0."""
    return ops.cast(ops.stack(ops.nonzero(x), 0), "int64")


@handles("Unique")
def unique(node, x):
    """The different elements, or slices along `axis`; where each is first, the numbers that give x
    back, and how many there are.

    In ascending order, or if not `sorted` in that of their first places.
    """
    axis = node["axis"]
    values, first, inverse, counts = ops.unique(x, True, True, True, True, axis)
    inverse = ops.reshape(inverse, (-1,))
    if not node["sorted"]:
        order = ops.argsort(first)
        values, first, counts = (
            ops.take(values, order, axis or 0),
            ops.take(first, order),
            ops.take(counts, order),
        )
        inverse = ops.take(ops.argsort(order), inverse)
    return values, *(ops.cast(n, "int64") for n in (first, inverse, counts))


@handles("Compress")
def compress(node, x, condition):
    """Slices where `condition`, read on the host, is true; of the flattened x without an axis."""
    return ops.take(x, np.flatnonzero(host(condition)), node["axis"])


@handles("TensorScatter")
def write_into_cache(node, cache, update, places=None):
    """`update` put into `cache` along `axis`, for each sample from its own place on; round the end
    in mode "circular"."""
    sizes, axis = ops.shape(cache), node["axis"] % len(ops.shape(cache))
    length = ops.shape(update)[axis]
    starts = np.zeros(sizes[0], int) if places is None else np.asarray(ints(places))
    moments = starts[:, None] + np.arange(length)
    moments = moments % sizes[axis] if node["mode"] == "circular" else moments
    inner = ops.moveaxis(cache, axis, 1)
    indices = np.stack([np.repeat(np.arange(sizes[0]), length), moments.ravel()], -1)
    updates = ops.moveaxis(update, axis, 1)
    updates = ops.reshape(updates, (-1, *ops.shape(updates)[2:]))
    return ops.moveaxis(ops.scatter_update(inner, indices, updates), 1, axis)

"""Images read between their pixels, and pixels put back: lookups in the flattened image,
weighted."""

from __future__ import annotations

import itertools
import math

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import ints

_CUBIC = -0.75


@handles("GridSample")
def sample_grid(node, x, grid):
    """x (n, c, *sizes) at the places of grid (n, *new, d), whose last axis counts the image's axes
    from behind, from -1 to 1."""
    sizes, align = ops.shape(x)[2:], bool(node["align_corners"])
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(node["mode"], node["mode"])
    axes = []
    for axis, n in enumerate(sizes):
        place = ops.get_item(grid, (Ellipsis, len(sizes) - 1 - axis))
        place = (
            ops.multiply(ops.add(place, 1.0), (n - 1) / 2)
            if align
            else ops.subtract(ops.multiply(ops.add(place, 1.0), n / 2), 0.5)
        )
        axes.append(list(_neighbours(place, n, mode, node["padding_mode"], align)))
    total = None
    for corner in itertools.product(*axes):
        index, weight = corner[0]
        for (place, factor), n in zip(corner[1:], sizes[1:], strict=True):
            index, weight = ops.add(ops.multiply(index, n), place), ops.multiply(weight, factor)
        term = ops.multiply(_at(x, index), ops.expand_dims(weight, 1))
        total = term if total is None else ops.add(total, term)
    return total


def _neighbours(place, n, mode, padding, align):
    """(int32 places within n, weights) of the pixels that count at a float `place` along one
    axis."""
    if mode != "cubic":
        place = _inside(
            place, n, padding, align
        )  # a cubic reflects its pixels instead, of which it has some outside
    if mode == "nearest":
        found = [(ops.round(place), ops.ones_like(place))]
    else:
        below = ops.floor(place)
        rest = ops.subtract(place, below)
        steps = (-1, 0, 1, 2) if mode == "cubic" else (0, 1)
        weigh = _cubic if mode == "cubic" else lambda distance: ops.subtract(1.0, distance)
        found = [
            (ops.add(below, float(s)), weigh(ops.abs(ops.subtract(rest, float(s))))) for s in steps
        ]
    for pixel, weight in found:
        if padding == "zeros":
            there = ops.logical_and(ops.greater_equal(pixel, 0.0), ops.less(pixel, float(n)))
            weight = ops.where(there, weight, ops.zeros_like(weight))
        elif mode == "cubic":
            pixel = _inside(pixel, n, padding, align)
        yield ops.cast(ops.clip(pixel, 0.0, float(n - 1)), "int32"), weight


def _inside(place, n, padding, align):
    if padding == "border":
        return ops.clip(place, 0.0, float(n - 1))
    if padding != "reflection":
        return place
    low, length = (0.0, n - 1.0) if align else (-0.5, float(n))
    if length == 0:
        return ops.zeros_like(place)
    away = ops.abs(ops.subtract(place, low))
    away = ops.subtract(away, ops.multiply(ops.floor(ops.divide(away, 2 * length)), 2 * length))
    return ops.clip(
        ops.add(ops.subtract(length, ops.abs(ops.subtract(away, length))), low), 0.0, n - 1.0
    )


def _cubic(distance):
    """Keys' kernel."""
    d, a = distance, _CUBIC
    near = ops.add(
        ops.multiply(ops.multiply(ops.subtract(ops.multiply(d, a + 2), a + 3), d), d), 1.0
    )
    far = ops.multiply(
        ops.subtract(ops.multiply(ops.add(ops.multiply(ops.subtract(d, 5.0), d), 8.0), d), 4.0), a
    )
    return ops.where(
        ops.less_equal(d, 1.0), near, ops.where(ops.less(d, 2.0), far, ops.zeros_like(d))
    )


def _at(x, index):
    """x (n, c, *sizes) at index (n, *new) of the flattened sizes: (n, c, *new)."""
    n, c, *sizes = ops.shape(x)
    each = math.prod(sizes)
    rows = ops.reshape(ops.moveaxis(x, 1, -1), (n * each, c))
    first = np.arange(n, dtype="int32").reshape(-1, *[1] * (len(ops.shape(index)) - 1)) * each
    return ops.moveaxis(ops.take(rows, ops.add(index, first), 0), -1, 1)


@handles("MaxUnpool")
def max_unpool(node, x, indices, shape=None):
    """Zeros with x at `indices`, which count the elements of what max pooling of this kind had
    before; grown to `shape` at the end."""
    kernel = node["kernel_shape"]
    strides, pads = node["strides"] or [1] * len(kernel), node["pads"] or [0] * 2 * len(kernel)
    new = [
        (n - 1) * s + k - low - high
        for n, s, k, low, high in zip(
            ops.shape(x)[2:], strides, kernel, pads[: len(kernel)], pads[len(kernel) :], strict=True
        )
    ]
    full = (*ops.shape(x)[:2], *new)
    values = ops.scatter(ops.reshape(indices, (-1, 1)), ops.reshape(x, (-1,)), (math.prod(full),))
    image = ops.reshape(values, full)
    return (
        image
        if shape is None
        else ops.pad(image, [(0, m - n) for m, n in zip(ints(shape), full, strict=True)])
    )


@handles("Col2Im")
def image_of_columns(node, x, image, block):
    """Columns (n, c * block, places) added up at the places of the image (n, c, *image) that they
    were taken from."""
    image, block = ints(image), ints(block)
    rank, (n, channels, count) = len(image), ops.shape(x)
    strides, dilations = node["strides"] or [1] * rank, node["dilations"] or [1] * rank
    pads = node["pads"] or [0] * 2 * rank
    lines = []
    for size, b, stride, dilation, low, high in zip(
        image, block, strides, dilations, pads[:rank], pads[rank:], strict=True
    ):
        starts = np.arange(0, size + low + high - dilation * (b - 1), stride)
        lines.append(
            np.arange(b)[:, None] * dilation + starts - low
        )  # (block, places) along this axis
    flat, inside = np.zeros((1, 1), int), np.ones((1, 1), bool)
    for size, line in zip(image, lines, strict=True):
        flat = _outer(flat * size, line, np.add)
        inside = _outer(inside, (line >= 0) & (line < size), np.logical_and)
    c = channels // math.prod(block)
    rows = ops.reshape(
        ops.transpose(ops.reshape(x, (n * c, math.prod(block), count)), (1, 2, 0)), (-1, n * c)
    )
    kept = np.flatnonzero(inside)
    rows = ops.scatter(
        flat.ravel()[kept].astype("int32")[:, None],
        ops.take(rows, kept.astype("int32"), 0),
        (math.prod(image), n * c),
    )
    return ops.reshape(ops.transpose(rows, (1, 0)), (n, c, *image))


def _outer(a, b, function):
    """(block of a * block of b, places of a * places of b) of two such tables."""
    both = function(a[:, None, :, None], b[None, :, None, :])
    return both.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])

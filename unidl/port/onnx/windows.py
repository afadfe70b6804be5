"""Convolution and pooling: (n, c, *spatial), kernels (filters, c / groups, *window)."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from unidl import ops
from unidl.backend import dtypes
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import as_

FIRST = "channels_first"


class Windows:
    """Window, strides, dilation and padding of a node for an input of given spatial sizes."""

    def __init__(self, node, sizes, window):
        self.window = tuple(window)
        rank = len(self.window)
        self.strides = tuple(node["strides"] or (1,) * rank)
        self.dilations = tuple(node["dilations"] or (1,) * rank)
        self.extents = [(k - 1) * d + 1 for k, d in zip(self.window, self.dilations, strict=True)]
        self.sizes, self.pads = tuple(sizes), self._pads(node, sizes)
        # What `ceil_mode` needs at the end so that a last, incomplete window fits.
        self.extra = [self._extra(i) if node["ceil_mode"] else 0 for i in range(rank)]
        padded = [n + a + b + e for n, (a, b), e in zip(sizes, self.pads, self.extra, strict=True)]
        self.outs = [
            (n - k) // s + 1 for n, k, s in zip(padded, self.extents, self.strides, strict=True)
        ]

    def _pads(self, node, sizes):
        if node["auto_pad"] in (None, "NOTSET"):
            pads = node["pads"] or [0] * 2 * len(sizes)
            return list(zip(pads[: len(sizes)], pads[len(sizes) :], strict=True))
        if node["auto_pad"] == "VALID":
            return [(0, 0)] * len(sizes)
        totals = [
            max(0, (-(-n // s) - 1) * s + k - n)
            for n, s, k in zip(sizes, self.strides, self.extents, strict=True)
        ]
        pairs = [(t // 2, t - t // 2) for t in totals]
        return pairs if node["auto_pad"] == "SAME_UPPER" else [(b, a) for a, b in pairs]

    def _extra(self, i):
        n, (before, after), s, k = self.sizes[i], self.pads[i], self.strides[i], self.extents[i]
        out = -(-(n + before + after - k) // s) + 1
        if (out - 1) * s >= n + before:  # it would begin behind the last element
            out -= 1
        return max(0, (out - 1) * s + k - (n + before + after))

    def pad(self, x, value):
        widths = [(a, b + e) for (a, b), e in zip(self.pads, self.extra, strict=True)]
        return (
            x
            if not any(map(any, widths))
            else ops.pad(x, [(0, 0), (0, 0), *widths], constant_values=value)
        )

    def offsets(self):
        return itertools.product(*map(range, self.window))

    def slices(self, x):
        """For each place in the window the elements that stand there, one for each window."""
        for offset in self.offsets():
            places = zip(offset, self.dilations, self.strides, self.outs, strict=True)
            yield ops.get_item(
                x, (Ellipsis, *(slice(o * d, o * d + (n - 1) * s + 1, s) for o, d, s, n in places))
            )

    def sum(self, x):
        """Sum over each window of padded x."""
        if max(self.dilations) > 1:
            return functools.reduce(ops.add, self.slices(x))
        return ops.multiply(
            ops.average_pool(x, self.window, self.strides, "valid", FIRST),
            float(math.prod(self.window)),
        )

    def counts(self, with_padding):
        """How many elements of each window count: without those of `ceil_mode`, and of the padding
        if `with_padding`."""
        total = np.ones(())
        for n, (a, b), k, s, d, out in zip(
            self.sizes, self.pads, self.window, self.strides, self.dilations, self.outs, strict=True
        ):
            places = np.arange(out)[:, None] * s + np.arange(k) * d
            low, high = (0, a + n + b) if with_padding else (a, a + n)
            total = np.multiply.outer(total, ((places >= low) & (places < high)).sum(1))
        return total


@handles("Conv")
def conv(node, x, kernel, bias=None):
    windows = Windows(node, ops.shape(x)[2:], ops.shape(kernel)[2:])
    rank = len(windows.window)
    kernel = ops.transpose(kernel, (*range(2, rank + 2), 1, 0))
    y = ops.conv(windows.pad(x, 0), kernel, windows.strides, "valid", FIRST, windows.dilations)
    return _biased(y, bias)


def _biased(y, bias):
    return (
        y if bias is None else ops.add(y, ops.reshape(bias, (-1, *[1] * (len(ops.shape(y)) - 2))))
    )


@handles("ConvTranspose")
def conv_transpose(node, x, kernel, bias=None):
    """Kernel (c, filters / groups, *window); the padding is cut off from what the full one
    gives."""
    rank, groups = len(ops.shape(x)) - 2, node["group"]
    strides, dilations = (tuple(node[name] or (1,) * rank) for name in ("strides", "dilations"))
    extra = node["output_padding"] or [0] * rank
    window, sizes = ops.shape(kernel)[2:], ops.shape(x)[2:]
    fulls = [
        (n - 1) * s + (k - 1) * d + 1 + p
        for n, s, k, d, p in zip(sizes, strides, window, dilations, extra, strict=True)
    ]
    kernels = ops.split(ops.transpose(kernel, (*range(2, rank + 2), 1, 0)), groups, -1)
    parts = ops.split(x, groups, 1)
    parts = [
        ops.conv_transpose(x, k, strides, "valid", extra, FIRST, dilations)
        for x, k in zip(parts, kernels, strict=True)
    ]
    y = parts[0] if groups == 1 else ops.concatenate(parts, 1)
    pairs = _cuts(node, fulls, [n * s for n, s in zip(sizes, strides, strict=True)])
    # A negative cut asks for zeros behind the end.
    y = (
        ops.pad(y, [(0, 0), (0, 0), *((0, max(0, -b)) for _, b in pairs)])
        if any(b < 0 for _, b in pairs)
        else y
    )
    y = ops.get_item(
        y,
        (
            Ellipsis,
            *(slice(a, n - max(0, b) + max(0, -b)) for n, (a, b) in zip(fulls, pairs, strict=True)),
        ),
    )
    return _biased(y, bias)


def _cuts(node, fulls, same):
    """(before, after) that is cut off from the full sizes."""
    wanted = node["output_shape"] and node["output_shape"][-len(fulls) :]
    mode = node["auto_pad"]
    if wanted is None and mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = same
    if wanted is None:
        pads = node["pads"] or [0] * 2 * len(fulls)
        return list(zip(pads[: len(fulls)], pads[len(fulls) :], strict=True))
    totals = [full - n for full, n in zip(fulls, wanted, strict=True)]
    halves = [(t // 2, t - t // 2) if t > 0 else (0, t) for t in totals]
    return halves if mode == "SAME_UPPER" else [(b, a) if a + b > 0 else (a, b) for a, b in halves]


@handles("MaxPool")
def max_pool(node, x):
    """(maxima, their places in x as one row of numbers); padding is never chosen."""
    windows, dtype = Windows(node, ops.shape(x)[2:], node["kernel_shape"]), ops.dtype(x)
    padded = windows.pad(x, -math.inf if dtypes.is_float(dtype) else int(np.iinfo(dtype).min))
    if len(node.outputs) > 1:
        return _max_and_places(node, windows, padded, ops.shape(x))
    if max(windows.dilations) == 1 and dtypes.is_float(dtype):
        return ops.max_pool(padded, windows.window, windows.strides, "valid", FIRST)
    return functools.reduce(ops.maximum, windows.slices(padded))


def _max_and_places(node, windows, padded, shape):
    n, c, *sizes = shape
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    if node["storage_order"]:
        steps = [math.prod(sizes[:i]) for i in range(len(sizes))]
    image = np.arange(n * c).reshape(n, c, *[1] * len(sizes)) * math.prod(sizes)
    best = places = None
    for offset, values in zip(windows.offsets(), windows.slices(padded), strict=True):
        place = image
        for axis, (o, d, s, (before, _), out) in enumerate(
            zip(offset, windows.dilations, windows.strides, windows.pads, windows.outs, strict=True)
        ):
            along = (np.arange(out) * s + o * d - before) * steps[axis]
            place = place + along.reshape([-1 if a == axis + 2 else 1 for a in range(len(shape))])
        if best is None:
            best, places = values, place
        else:
            better = ops.greater(values, best)
            best, places = ops.where(better, values, best), ops.where(better, place, places)
    return best, ops.cast(places, "int64")


@handles("AveragePool")
def average_pool(node, x):
    """Mean over each window; what is padded counts with `count_include_pad`."""
    windows = Windows(node, ops.shape(x)[2:], node["kernel_shape"])
    total = windows.sum(windows.pad(x, 0))
    return ops.divide(total, as_(windows.counts(bool(node["count_include_pad"])), x))


@handles("LpPool")
def lp_pool(node, x):
    windows = Windows(node, ops.shape(x)[2:], node["kernel_shape"])
    total = windows.sum(windows.pad(ops.power(ops.abs(x), float(node["p"])), 0))
    return ops.power(total, 1 / node["p"])


def _spatial(x):
    return tuple(range(2, len(ops.shape(x))))


@handles("GlobalAveragePool")
def global_average_pool(node, x):
    return ops.mean(x, _spatial(x), keepdims=True)


@handles("GlobalMaxPool")
def global_max_pool(node, x):
    return ops.max(x, _spatial(x), keepdims=True)


@handles("GlobalLpPool")
def global_lp_pool(node, x):
    return ops.power(
        ops.sum(ops.power(ops.abs(x), float(node["p"])), _spatial(x), keepdims=True), 1 / node["p"]
    )

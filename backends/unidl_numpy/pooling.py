"""Pooling, one pass for each place of the window."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy.tape import primitive
from unidl_numpy.windows import output_sizes, padded, pads_of, places, unpadded

_PIECE = 1 << 17  # elements of the input whose gradients are made at once: they stay in the cache


@primitive
def max_pool(x, window, strides, padding):
    pads = pads_of(padding, x, window, strides)
    wide = padded(x, pads, -np.inf)
    sizes = output_sizes(wide.shape[1:-1], window, strides, (1,) * len(window))
    keys = [key for _, key in places(window, strides, (1,) * len(window), sizes)]
    y = wide[keys[0]].copy()
    for key in keys[1:]:
        np.maximum(y, wide[key], out=y)

    apart = all(
        w <= s for w, s in zip(window, strides, strict=True)
    )  # no element is in two windows

    def backward(g):
        tiled = apart and math.prod(wide.shape[1:-1]) == math.prod(window) * math.prod(
            sizes
        )  # and each is in one
        dx = (np.empty if tiled else np.zeros)(wide.shape, x.dtype)
        samples = max(1, _PIECE // max(1, math.prod(wide.shape[1:])))
        for start in range(0, len(dx), samples):
            part = slice(start, start + samples)
            _scatter(dx[part], wide[part], y[part], g[part], keys, apart)
        return unpadded(dx, x.shape, pads)

    return y, (backward,)


def _scatter(dx, wide, y, g, keys, apart):
    """Give each gradient in `g` to the first element of its window that is the maximum, in `dx`."""
    free = None
    for key in keys:
        first = wide[key] == y
        if free is None:
            free = ~first
        else:
            first &= free
            free ^= first
        if apart:
            np.multiply(g, first, out=dx[key])
        else:
            dx[key] += g * first


@primitive
def avg_pool(x, window, strides, padding):
    pads = pads_of(padding, x, window, strides)
    wide = padded(x, pads)
    ones = (1,) * len(window)
    sizes = output_sizes(wide.shape[1:-1], window, strides, ones)
    keys = [key for _, key in places(window, strides, ones, sizes)]
    real = padded(np.ones((1, *x.shape[1:-1], 1), x.dtype), pads)
    count = sum(real[key] for key in keys)
    y = wide
    for axis, (w, s, n) in enumerate(
        zip(window, strides, sizes, strict=True), 1
    ):  # one after the other: sums of sums keep more digits
        lines = [(slice(None),) * axis + (slice(p, p + (n - 1) * s + 1, s),) for p in range(w)]
        wide_along, y = y, y[lines[0]].copy()
        for line in lines[1:]:
            y += wide_along[line]
    y /= count
    shape = wide.shape

    def backward(g):
        share = g / count
        dx = np.zeros(shape, x.dtype)
        for key in keys:
            dx[key] += share
        return unpadded(dx, x.shape, pads)

    return y, (backward,)

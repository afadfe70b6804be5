"""Pooling, one pass for each place of the window."""

from __future__ import annotations

import numpy as np

from unidl_numpy.tape import primitive
from unidl_numpy.windows import output_sizes, padded, pads_of, places, unpadded


@primitive
def max_pool(x, window, strides, padding):
    pads = pads_of(padding, x, window, strides)
    wide = padded(x, pads, -np.inf)
    sizes = output_sizes(wide.shape[1:-1], window, strides, (1,) * len(window))
    keys = [key for _, key in places(window, strides, (1,) * len(window), sizes)]
    y = wide[keys[0]].copy()
    for key in keys[1:]:
        np.maximum(y, wide[key], out=y)

    apart = all(w <= s for w, s in zip(window, strides, strict=True))

    def backward(g):
        dx = np.zeros(wide.shape, x.dtype)
        free = np.ones(y.shape, bool)
        for key in keys:
            first = wide[key] == y
            first &= free
            free ^= first
            if apart:  # no element is in two windows
                np.multiply(g, first, out=dx[key])
            else:
                dx[key] += g * first
        return unpadded(dx, x.shape, pads)

    return y, (backward,)


@primitive
def avg_pool(x, window, strides, padding):
    pads = pads_of(padding, x, window, strides)
    wide = padded(x, pads)
    ones = (1,) * len(window)
    sizes = output_sizes(wide.shape[1:-1], window, strides, ones)
    keys = [key for _, key in places(window, strides, ones, sizes)]
    real = padded(np.ones((1, *x.shape[1:-1], 1), x.dtype), pads)
    count = sum(real[key] for key in keys)
    y = wide[keys[0]].copy()
    for key in keys[1:]:
        y += wide[key]
    y /= count
    shape = wide.shape

    def backward(g):
        share = g / count
        dx = np.zeros(shape, x.dtype)
        for key in keys:
            dx[key] += share
        return unpadded(dx, x.shape, pads)

    return y, (backward,)

"""Convolution as im2col and a GEMM for a few samples at a time, its gradients, and depthwise
convolution place by place."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl_numpy import pooling
from unidl_numpy.sums import total, wide_dtype
from unidl_numpy.tape import primitive
from unidl_numpy.windows import output_sizes, padded, pads_of, places, unpadded

_PIECE = 1 << 18  # elements of the columns that are made at once


def columns(x, window, strides, dilation, sizes):
    """x (n, *padded, c) -> (n * out, window * c) for a GEMM with a kernel (window * c, f)."""
    n, c = x.shape[0], x.shape[-1]
    count = math.prod(window)
    if count == 1 and set(strides) == {1}:
        return x.reshape(-1, c)
    if c * window[-1] < 32:
        # Few channels: rows of the transpose are long runs along the last spatial axis, which copy
        # fast. BLAS takes either order.
        rows = np.empty((count, c, n, *sizes), x.dtype)
        for row, (_, key) in zip(rows, places(window, strides, dilation, sizes), strict=True):
            row[...] = np.moveaxis(x[key], -1, 0)
        return rows.reshape(count * c, -1).T
    moves = [s * b for s, b in zip(strides, x.strides[1:-1], strict=True)]
    inner = [d * b for d, b in zip(dilation, x.strides[1:-1], strict=True)]
    view = np.lib.stride_tricks.as_strided(
        x, (n, *sizes, *window, c), (x.strides[0], *moves, *inner, x.strides[-1]), writeable=False
    )  # fmt: skip
    return view.reshape(-1, count * c)


def _pieces(n, each):
    """Slices of n samples that make `each` elements of columns: a few at a time, for the cache."""
    samples = max(1, _PIECE // max(1, each))
    return [slice(start, start + samples) for start in range(0, n, samples)]


def correlate(x, kernel, window, strides, dilation, sizes, bias=None):
    """columns(x) @ kernel (window * c, f) + bias (f) -> (n, *out, f)"""
    f = kernel.shape[1]
    y = np.empty((len(x), *sizes, f), np.result_type(x, kernel))
    for piece in _pieces(len(x), math.prod(sizes) * len(kernel)):
        rows = y[piece].reshape(-1, f)
        np.matmul(columns(x[piece], window, strides, dilation, sizes), kernel, out=rows)
        if bias is not None:
            rows += bias
    return y


def correlate_kernel(x, g, window, strides, dilation, sizes):
    """Gradient of `correlate` for the kernel, which makes the columns again: (n, *padded, c), (n,
    *out, f) -> (window * c, f)"""
    f = g.shape[-1]
    size = math.prod(window) * x.shape[-1]
    gradient = np.zeros((size, f), wide_dtype(g))
    for piece in _pieces(len(x), math.prod(sizes) * size):
        gradient += columns(x[piece], window, strides, dilation, sizes).T @ g[piece].reshape(-1, f)
    return gradient.astype(g.dtype, copy=False)


def add_columns(g, kernel, shape, window, strides, dilation, sizes):
    """Gradient of `correlate` for x: g (n, *out, f), kernel (window * c, f) -> zeros of `shape` (n,
    *padded, c) to which g @ kernel.T is added, each column at its place."""
    n, c = shape[0], shape[-1]
    f, count = g.shape[-1], math.prod(window)
    if count == 1 and set(strides) == {1}:
        return (g.reshape(-1, f) @ kernel.T).reshape(shape)
    x = np.zeros(shape, g.dtype)
    keys = [key for _, key in places(window, strides, dilation, sizes)]
    # A product for each place: its rows lie as those of x do, and are added in long runs.
    backward = np.ascontiguousarray(kernel.reshape(count, c, f).swapaxes(1, 2))
    for piece in _pieces(n, math.prod(sizes) * count * c):
        part = x[piece]
        for key, place in zip(keys, g[piece].reshape(-1, f) @ backward, strict=True):
            part[key] += place.reshape(len(part), *sizes, c)
    return x


@primitive(2)
def conv(x, kernel, strides, padding, dilation, groups=1):
    return _conv(x, kernel, strides, padding, dilation, groups)


@primitive(3)
def biased_conv(x, kernel, bias, strides, padding, dilation, groups=1):
    y, backward = _conv(x, kernel, strides, padding, dilation, groups, bias)
    return y, (*backward, lambda g: total(g, tuple(range(g.ndim - 1))))


def _conv(x, kernel, strides, padding, dilation, groups, bias=None):
    """(y, gradients for x and the kernel)"""
    *window, _, f = kernel.shape
    pads = pads_of(padding, x, window, strides, dilation)
    wide = padded(x, pads)
    geometry = (
        window,
        strides,
        dilation,
        output_sizes(wide.shape[1:-1], window, strides, dilation),
    )
    if groups == 1:
        return _conv_dense(x, kernel, pads, wide, geometry, bias)
    if groups == x.shape[-1]:
        y, backward = _conv_depthwise(
            x, kernel.reshape(*window, groups, f // groups), pads, wide, geometry, kernel.shape
        )
    else:
        y, backward = _conv_grouped(x, kernel, pads, wide, geometry, groups)
    if bias is not None:
        y += bias
    return y, backward


def _conv_dense(x, kernel, pads, wide, geometry, bias=None):
    flat = kernel.reshape(-1, kernel.shape[-1])
    shape = wide.shape

    def for_x(g):
        if _is_cheaper_turned(x.shape[1:-1], pads, *geometry):
            return _correlate_turned(g, kernel, x.shape[1:-1], pads, *geometry)
        return unpadded(add_columns(g, flat, shape, *geometry), x.shape, pads)

    return correlate(wide, flat, *geometry, bias), (
        for_x,
        lambda g: correlate_kernel(wide, g, *geometry).reshape(kernel.shape),
    )


def _is_cheaper_turned(spatial, pads, window, strides, dilation, sizes):
    """Whether the gradient for x is best made as another convolution: a larger product, but nothing
    is added up in memory."""
    inside = all(
        max(pair) <= (w - 1) * d for pair, w, d in zip(pads, window, dilation, strict=True)
    )
    return set(strides) == {1} and inside and math.prod(spatial) <= 1.2 * math.prod(sizes)


def _correlate_turned(g, kernel, spatial, pads, window, strides, dilation, sizes):
    """Gradient for x of a convolution with strides of 1: g, padded by what is left of the window,
    with the kernel turned round."""
    axes = range(len(window))
    turned = np.flip(kernel, axes).swapaxes(-1, -2).reshape(-1, kernel.shape[-2])
    rest = [
        ((w - 1) * d - before, (w - 1) * d - after)
        for w, d, (before, after) in zip(window, dilation, pads, strict=True)
    ]
    return correlate(padded(g, rest), turned, window, strides, dilation, spatial)


def _conv_grouped(x, kernel, pads, wide, geometry, groups):
    f = kernel.shape[-1] // groups
    c = x.shape[-1] // groups
    parts = [
        _conv_dense(
            x[..., i * c : (i + 1) * c],
            kernel[..., i * f : (i + 1) * f],
            pads,
            wide[..., i * c : (i + 1) * c],
            geometry,
        )
        for i in range(groups)
    ]

    def joined(which):
        return lambda g: np.concatenate(
            [back[which](g[..., i * f : (i + 1) * f]) for i, (_, back) in enumerate(parts)], -1
        )

    return np.concatenate([y for y, _ in parts], -1), (joined(0), joined(1))


def _conv_depthwise(x, kernel, pads, wide, geometry, kernel_shape):
    """kernel (*window, c, m): each channel by itself, one multiply-add for each place of the
    window."""
    window, strides, dilation, sizes = geometry
    c, m = kernel.shape[-2:]
    y = np.zeros((x.shape[0], *sizes, c, m), x.dtype)
    for place, key in places(window, strides, dilation, sizes):
        y += wide[key][..., None] * kernel[place]
    shape = wide.shape

    def for_x(g):
        g = g.reshape(*g.shape[:-1], c, m)
        dx = np.zeros(shape, x.dtype)
        for place, key in places(window, strides, dilation, sizes):
            dx[key] += (
                (g[..., 0] * kernel[place][:, 0])
                if m == 1
                else np.einsum("...cm,cm->...c", g, kernel[place])
            )
        return unpadded(dx, x.shape, pads)

    def for_kernel(g):
        g = g.reshape(-1, c, m)
        dk = np.empty(kernel.shape, kernel.dtype)
        for place, key in places(window, strides, dilation, sizes):
            dk[place] = np.einsum("nc,ncm->cm", wide[key].reshape(-1, c), g)
        return dk.reshape(kernel_shape)

    return y.reshape(*y.shape[:-2], c * m), (for_x, for_kernel)


@primitive(2)
def depthwise_conv(x, kernel, strides, padding, dilation):
    window = kernel.shape[:-2]
    pads = pads_of(padding, x, window, strides, dilation)
    wide = padded(x, pads)
    geometry = (
        window,
        strides,
        dilation,
        output_sizes(wide.shape[1:-1], window, strides, dilation),
    )
    return _conv_depthwise(x, kernel, pads, wide, geometry, kernel.shape)


@primitive(2)
def conv_transpose(x, kernel, strides, dilation, starts, sizes):
    *window, f, c = kernel.shape
    spatial = x.shape[1:-1]
    geometry = (window, strides, dilation, spatial)
    full = tuple(
        [
            (n - 1) * s + (w - 1) * d + 1
            for n, s, w, d in zip(spatial, strides, window, dilation, strict=True)
        ]
    )
    flat = kernel.reshape(-1, c)
    shape = (x.shape[0], *full, f)
    # The result is `full` cut to [start, start + size), with zeros past its end: a padding whose
    # numbers may be negative.
    pads = [(-a, a + n - total) for a, n, total in zip(starts, sizes, full, strict=True)]

    def back(g):
        return _cut([(-before, -after) for before, after in pads], g)

    return _cut(pads, add_columns(x, flat, shape, *geometry)), (
        lambda g: correlate(back(g), flat, *geometry),
        lambda g: correlate_kernel(back(g), x, *geometry).reshape(kernel.shape),
    )


def _cut(pads, x):
    """Pad the spatial axes by `pads`, a negative number cuts."""
    inner = [
        slice(max(0, -before), n - max(0, -after))
        for (before, after), n in zip(pads, x.shape[1:-1], strict=True)
    ]
    kept = (slice(None), *inner)
    return np.ascontiguousarray(padded(x[kept], tuple((max(0, b), max(0, a)) for b, a in pads)))


class Conv(contract.Conv):
    conv = staticmethod(conv)
    biased_conv = staticmethod(biased_conv)
    depthwise_conv = staticmethod(depthwise_conv)
    conv_transpose = staticmethod(conv_transpose)
    max_pool = staticmethod(pooling.max_pool)
    avg_pool = staticmethod(pooling.avg_pool)

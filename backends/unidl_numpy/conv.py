"""Convolution as im2col and one GEMM, its adjoint, and depthwise convolution place by place."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy.sums import total
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
        # Few channels: rows of the transpose are long runs along the last spatial axis, which copy fast. BLAS takes either order.
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


def add_columns(rows, kernel, shape, window, strides, dilation, sizes):
    """Adjoint of `columns` after the product with the kernel: rows (n * out, f), kernel (window * c, f) -> zeros of `shape`
    (n, *padded, c) to which rows @ kernel.T is added, each column at its place; a few samples at a time, for the cache."""
    n, c = shape[0], shape[-1]
    count = math.prod(window)
    if count == 1 and set(strides) == {1}:
        return (rows @ kernel.T).reshape(shape)
    x = np.zeros(shape, rows.dtype)
    keys = [key for _, key in places(window, strides, dilation, sizes)]
    each = math.prod(sizes)
    samples = max(1, _PIECE // max(1, each * count * c))
    for start in range(0, n, samples):
        part = x[start : start + samples]
        cols = rows[start * each : (start + samples) * each] @ kernel.T
        cols = cols.reshape(len(part), *sizes, count, c)
        for i, key in enumerate(keys):
            part[key] += cols[..., i, :]
    return x


@primitive(2)
def conv(x, kernel, strides, padding, dilation, groups=1):
    return _conv(x, kernel, strides, padding, dilation, groups)


@primitive(3)
def biased_conv(x, kernel, bias, strides, padding, dilation, groups=1):
    y, backward = _conv(x, kernel, strides, padding, dilation, groups)
    y += bias
    return y, (*backward, lambda g: total(g, tuple(range(g.ndim - 1))))


def _conv(x, kernel, strides, padding, dilation, groups):
    """(y, gradients for x and the kernel); y is new memory."""
    *window, _, f = kernel.shape
    pads = pads_of(padding, x, window, strides, dilation)
    wide = padded(x, pads)
    sizes = output_sizes(wide.shape[1:-1], window, strides, dilation)
    geometry = (window, strides, dilation, sizes)
    if groups == 1:
        return _conv_dense(x, kernel, pads, wide, geometry)
    if groups == x.shape[-1]:
        return _conv_depthwise(x, kernel.reshape(*window, groups, f // groups), pads, wide, geometry, kernel.shape)
    return _conv_grouped(x, kernel, pads, wide, geometry, groups)


def _conv_dense(x, kernel, pads, wide, geometry):
    sizes = geometry[-1]
    f = kernel.shape[-1]
    cols = columns(wide, *geometry)
    flat = kernel.reshape(-1, f)
    y = (cols @ flat).reshape(x.shape[0], *sizes, f)
    shape = wide.shape

    def for_x(g):
        return unpadded(add_columns(g.reshape(-1, f), flat, shape, *geometry), x.shape, pads)

    return y, (for_x, lambda g: (cols.T @ g.reshape(-1, f)).reshape(kernel.shape))


def _conv_grouped(x, kernel, pads, wide, geometry, groups):
    f = kernel.shape[-1] // groups
    c = x.shape[-1] // groups
    parts = [
        _conv_dense(x[..., i * c : (i + 1) * c], kernel[..., i * f : (i + 1) * f], pads, wide[..., i * c : (i + 1) * c], geometry)
        for i in range(groups)
    ]

    def joined(which):
        return lambda g: np.concatenate([back[which](g[..., i * f : (i + 1) * f]) for i, (_, back) in enumerate(parts)], -1)

    return np.concatenate([y for y, _ in parts], -1), (joined(0), joined(1))


def _conv_depthwise(x, kernel, pads, wide, geometry, kernel_shape):
    """kernel (*window, c, m): each channel by itself, one multiply-add for each place of the window."""
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
            dx[key] += (g[..., 0] * kernel[place][:, 0]) if m == 1 else np.einsum("...cm,cm->...c", g, kernel[place])
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
    geometry = (window, strides, dilation, output_sizes(wide.shape[1:-1], window, strides, dilation))
    return _conv_depthwise(x, kernel, pads, wide, geometry, kernel.shape)


@primitive(2)
def conv_transpose(x, kernel, strides, dilation, starts, sizes):
    *window, f, c = kernel.shape
    spatial = x.shape[1:-1]
    geometry = (window, strides, dilation, spatial)
    full = tuple([(n - 1) * s + (w - 1) * d + 1 for n, s, w, d in zip(spatial, strides, window, dilation, strict=True)])
    flat = kernel.reshape(-1, c)
    rows = x.reshape(-1, c)
    shape = (x.shape[0], *full, f)
    # The result is `full` cut to [start, start + size), with zeros past its end: a padding whose numbers may be negative.
    pads = [(-a, a + n - total) for a, n, total in zip(starts, sizes, full, strict=True)]

    def for_columns(g):
        back = _cut([(-before, -after) for before, after in pads], g)
        return columns(back, *geometry)

    y = _cut(pads, add_columns(rows, flat, shape, *geometry))
    return y, (
        lambda g: (for_columns(g) @ flat).reshape(x.shape),
        lambda g: (for_columns(g).T @ rows).reshape(kernel.shape),
    )


def _cut(pads, x):
    """Pad the spatial axes by `pads`, a negative number cuts."""
    inner = [slice(max(0, -before), n - max(0, -after)) for (before, after), n in zip(pads, x.shape[1:-1], strict=True)]
    kept = (slice(None), *inner)
    return np.ascontiguousarray(padded(x[kept], tuple((max(0, b), max(0, a)) for b, a in pads)))

"""Reductions and running sums."""

from __future__ import annotations

import numpy as np

from unidl_numpy.broadcasting import axes_of, keep_axes
from unidl_numpy.sums import total, wide_dtype
from unidl_numpy.tape import primitive


def _spread(g, x, axis):
    """Gradient `g` of a reduction, kept or not, seen at every element of `x`."""
    if g.size == 1 and x.size < _FEW:
        return np.full(x.shape, g.reshape(()))
    return np.broadcast_to(keep_axes(g, x.shape, axis), x.shape)


_FEW = 4096  # np.broadcast_to takes longer than filling so many elements


def _axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


@primitive
def sum(x, axis=None, keepdims=False):
    return total(x, axis, keepdims), (lambda g: _spread(g, x, axis),)


def _count(x, axis):
    count = 1
    for a in axes_of(axis, x.ndim):
        count *= x.shape[a]
    return count


@primitive
def mean(x, axis=None, keepdims=False):
    count = _count(x, axis)
    y = total(x.astype(wide_dtype(x), copy=False), axis, keepdims) / wide_dtype(x).type(count)
    return y.astype(x.dtype, copy=False), (lambda g: _spread(g / x.dtype.type(count), x, axis),)


@primitive
def var(x, axis=None, keepdims=False):
    wide = x.astype(wide_dtype(x), copy=False)
    count = wide.dtype.type(_count(x, axis))
    centred = wide - total(wide, axis, keepdims=True) / count
    y = total(centred * centred, axis, keepdims) / count
    return y.astype(x.dtype, copy=False), (lambda g: _spread(g * (2 / count), x, axis) * centred,)


@primitive
def logsumexp(x, axis=None, keepdims=False):
    # Of nothing too: its sum is 0, the logarithm of which is -inf.
    top = np.max(x, axis=_axis(axis), keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))
    e = np.exp(x - top)
    size = total(e, axis, keepdims=True)
    y = np.log(size) + top
    y = y if keepdims else np.squeeze(y, axes_of(axis, x.ndim))
    return y, (lambda g: e * (keep_axes(g, x.shape, axis) / size),)


def _extreme(function):
    """max or min: equal elements share the gradient."""

    @primitive
    def call(x, axis=None, keepdims=False):
        y = function(x, axis=_axis(axis), keepdims=keepdims)

        def backward(g):
            winners = (x == keep_axes(np.asarray(y), x.shape, axis)).astype(x.dtype)
            count = np.add.reduce(winners, axis=axes_of(axis, x.ndim), keepdims=True)
            return winners * (keep_axes(g, x.shape, axis) / count)

        return y, (backward,)

    return call


max = _extreme(np.max)
min = _extreme(np.min)


def _others(x):
    """Product of the other elements along the last axis, right at zeros too."""
    before = np.ones_like(x)
    before[..., 1:] = np.cumprod(x[..., :-1], -1, dtype=x.dtype)
    after = np.ones_like(x)
    after[..., :-1] = np.cumprod(x[..., :0:-1], -1, dtype=x.dtype)[..., ::-1]
    return before * after


@primitive
def prod(x, axis=None, keepdims=False):
    def backward(g):
        axes = axes_of(axis, x.ndim)
        kept = tuple([a for a in range(x.ndim) if a not in axes])
        order = (*kept, *axes)
        moved = x.transpose(order)
        others = _others(moved.reshape((*[x.shape[a] for a in kept], -1))).reshape(moved.shape)
        return others.transpose(np.argsort(order)) * keep_axes(g, x.shape, axis)

    return np.prod(x, axis=_axis(axis), dtype=x.dtype, keepdims=keepdims), (backward,)


@primitive
def any(x, axis=None, keepdims=False):
    return np.any(x, axis=_axis(axis), keepdims=keepdims), None


@primitive
def all(x, axis=None, keepdims=False):
    return np.all(x, axis=_axis(axis), keepdims=keepdims), None


@primitive
def argmax(x, axis, keepdims=False):
    return np.asarray(np.argmax(x, axis, keepdims=keepdims), "int32"), None


@primitive
def argmin(x, axis, keepdims=False):
    return np.asarray(np.argmin(x, axis, keepdims=keepdims), "int32"), None


@primitive
def cumsum(x, axis):
    def backward(g):
        return np.flip(np.cumsum(np.flip(g, axis), axis, dtype=x.dtype), axis)

    return np.cumsum(x, axis, dtype=x.dtype), (backward,)


@primitive
def cumprod(x, axis):
    def backward(g):
        # dx[i] = prod(x[:i]) * s[i] with s[i] = g[i] + x[i + 1] * s[i + 1]: no division, so zeros
        # are no trouble.
        items, gs = np.moveaxis(x, axis, 0), np.moveaxis(g, axis, 0)
        tails = np.array(gs)
        for i in range(len(items) - 2, -1, -1):
            tails[i] += items[i + 1] * tails[i + 1]
        tails[1:] *= np.cumprod(items[:-1], 0, dtype=x.dtype)
        return np.moveaxis(tails, 0, axis)

    return np.cumprod(x, axis, dtype=x.dtype), (backward,)

"""Sums that keep their dtype and their digits."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy.broadcasting import axes_of

_BLOCK = 128


def wide_dtype(x):
    """The dtype to add up in: that of x, but float32 for float16."""
    return np.dtype(np.float32) if x.dtype == np.float16 else x.dtype


def total(x, axis=None, keepdims=False):
    """The sum of a plain array in its own dtype."""
    axes = axes_of(axis, x.ndim)
    lead = len(axes)
    if lead < x.ndim and axes == tuple(range(lead)):
        y = _total_rows(x, lead)
        return y.reshape((1,) * lead + y.shape) if keepdims else y
    return np.add.reduce(x, axis=axes, dtype=wide_dtype(x), keepdims=keepdims).astype(x.dtype, copy=False)


def _total_rows(x, lead):
    """Sum over the first `lead` axes.

    NumPy adds up pairwise along the last axis alone; along the others it runs through, and float32 loses a digit every
    hundred rows. So long sums go in blocks, each a product of ones with a matrix (BLAS: four times as fast).
    """
    wide = wide_dtype(x)
    count = math.prod(x.shape[:lead])
    if count <= 2 * _BLOCK or x.dtype.kind != "f" or not x.flags.c_contiguous or not x.size:
        return np.add.reduce(x, axis=tuple(range(lead)), dtype=wide).astype(x.dtype, copy=False)
    rest = x.shape[lead:]
    rows = x.reshape(count, math.prod(rest)).astype(wide, copy=False)
    whole = count // _BLOCK * _BLOCK
    parts = np.ones(_BLOCK, wide) @ rows[:whole].reshape(-1, _BLOCK, rows.shape[1])
    y = _total_rows(parts, 1) + np.add.reduce(rows[whole:], axis=0)
    return y.reshape(rest).astype(x.dtype, copy=False)


def unbroadcast(g, shape):
    """Sum `g` down to `shape`, from which it was broadcast."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    if shape and g.shape[extra:] == shape:
        return _total_rows(g, extra)
    axes = (*range(extra), *[extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1])
    return total(g, axes).reshape(shape) if axes else g.reshape(shape)

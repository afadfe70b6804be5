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
    """The sum of a plain array in its own dtype.

    NumPy adds up pairwise along the last axis alone; along the others it runs through, and float32 loses a digit every
    hundred rows. So long sums over leading axes go in blocks, each a product of ones with a matrix (BLAS: four times as fast).
    """
    axes = axes_of(axis, x.ndim)
    wide = wide_dtype(x)
    lead = len(axes)
    if x.dtype.kind == "f" and lead < x.ndim and x.size and axes == tuple(range(lead)) and x.flags.c_contiguous:
        rest = x.shape[lead:]
        rows = x.reshape(-1, math.prod(rest))
        if len(rows) > 2 * _BLOCK:
            whole = len(rows) // _BLOCK * _BLOCK
            blocks = rows[:whole].reshape(-1, _BLOCK, rows.shape[1])
            parts = np.ones(_BLOCK, wide) @ blocks.astype(wide, copy=False)
            y = total(parts, 0) + np.add.reduce(rows[whole:], axis=0, dtype=wide)
            return y.reshape((1,) * lead + rest if keepdims else rest).astype(x.dtype, copy=False)
    return np.add.reduce(x, axis=axes, dtype=wide, keepdims=keepdims).astype(x.dtype, copy=False)


def unbroadcast(g, shape):
    """Sum `g` down to `shape`, from which it was broadcast."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    axes = (*range(extra), *[extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1])
    return total(g, axes).reshape(shape) if axes else g.reshape(shape)

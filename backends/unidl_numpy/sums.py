"""Sums that keep their dtype and their digits."""

from __future__ import annotations

import numpy as np

from unidl_numpy.broadcasting import axes_of

_BLOCK = 128


def wide_dtype(x):
    """The dtype to add up in: that of x, but float32 for float16."""
    return np.dtype(np.float32) if x.dtype == np.float16 else x.dtype


def total(x, axis=None, keepdims=False):
    """The sum of a plain array in its own dtype.

    NumPy adds up pairwise along the last axis alone; along the others it runs through, and float32 loses a digit every
    hundred rows. So long sums over leading axes go in blocks.
    """
    axes = axes_of(axis, x.ndim)
    wide = wide_dtype(x)
    lead = len(axes)
    if x.dtype.kind == "f" and lead < x.ndim and axes == tuple(range(lead)) and x.flags.c_contiguous:
        rest = x.shape[lead:]
        rows = x.reshape(-1, *rest) if x.size else x
        if x.size and len(rows) > 2 * _BLOCK:
            whole = len(rows) // _BLOCK * _BLOCK
            parts = np.add.reduce(rows[:whole].reshape(-1, _BLOCK, *rest), axis=1, dtype=wide)
            y = total(parts, 0) + np.add.reduce(rows[whole:], axis=0, dtype=wide)
            y = y.reshape((1,) * lead + rest) if keepdims else y
            return y.astype(x.dtype, copy=False)
    return np.add.reduce(x, axis=axes, dtype=wide, keepdims=keepdims).astype(x.dtype, copy=False)


def unbroadcast(g, shape):
    """Sum `g` down to `shape`, from which it was broadcast."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    axes = (*range(extra), *[extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1])
    return total(g, axes).reshape(shape) if axes else g.reshape(shape)

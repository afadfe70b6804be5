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
    spread = [a for a in axes if x.strides[a] == 0 and x.shape[a] > 1]
    if (
        spread and x.dtype.kind == "f" and x.size
    ):  # a broadcast number many times: the product has one rounding
        once = x[tuple(slice(0, 1) if a in spread else slice(None) for a in range(x.ndim))]
        return total(once, axis, keepdims) * x.dtype.type(math.prod(x.shape[a] for a in spread))
    if axes and max(axes) < x.ndim - 1 and max(axes) - min(axes) == len(axes) - 1:
        y = _total_rows(x, min(axes), max(axes) + 1)
        return y.reshape([1 if a in axes else n for a, n in enumerate(x.shape)]) if keepdims else y
    return np.add.reduce(x, axis=axes, dtype=wide_dtype(x), keepdims=keepdims).astype(
        x.dtype, copy=False
    )


def _total_rows(x, start, end):
    """Sum over the axes from `start` to `end`, which is not the last.

    NumPy adds up pairwise along the last axis alone; along the others it runs through, and float32
    loses a digit every hundred rows. So long sums go in blocks, each a product of ones with a
    matrix (BLAS: four times as fast).
    """
    wide = wide_dtype(x)
    lead, rest = x.shape[:start], x.shape[end:]
    count = math.prod(x.shape[start:end])
    if count <= 2 * _BLOCK or x.dtype.kind != "f" or not x.flags.c_contiguous or not x.size:
        return np.add.reduce(x, axis=tuple(range(start, end)), dtype=wide).astype(
            x.dtype, copy=False
        )
    rows = x.reshape(math.prod(lead), count, math.prod(rest)).astype(wide, copy=False)
    whole = count // _BLOCK * _BLOCK
    parts = np.ones(_BLOCK, wide) @ rows[:, :whole].reshape(len(rows), -1, _BLOCK, rows.shape[2])
    y = _total_rows(parts, 1, 2) + np.add.reduce(rows[:, whole:], axis=1)
    return y.reshape(lead + rest).astype(x.dtype, copy=False)


def unbroadcast(g, shape):
    """Sum `g` down to `shape`, from which it was broadcast."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    if shape and g.shape[extra:] == shape:
        return total(g, tuple(range(extra)))
    axes = (
        *range(extra),
        *[extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1],
    )
    return total(g, axes).reshape(shape) if axes else g.reshape(shape)

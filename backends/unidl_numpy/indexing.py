"""Indexing, gathering, scattering, choosing and sorting."""

from __future__ import annotations

import numpy as np

from unidl_numpy.broadcasting import same, where_kept
from unidl_numpy.sums import unbroadcast
from unidl_numpy.tape import primitive


def sum_rows(n, indices, rows):
    """(n, *rest) in which row indices[i] is the sum of its `rows` (m, *rest): a sort and one
    `reduceat`."""
    total = np.zeros((n, *rows.shape[1:]), rows.dtype)
    if indices.size == 0:
        return total
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(ordered)) + 1))
    total[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0, dtype=rows.dtype)
    return total


_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))


def _is_basic(key):
    return all(isinstance(part, _BASIC) for part in (key if isinstance(key, tuple) else (key,)))


@primitive
def getitem(x, key):
    """Basic indexing as the contract asks; arrays of integers or bools too, for users' own NumPy
    code."""

    def backward(g):
        dx = np.zeros(x.shape, x.dtype)
        if _is_basic(key):
            dx[key] = g
        else:
            np.add.at(dx, key, g)
        return dx

    return x[key], (backward,)


@primitive
def take(x, indices, axis):
    def backward(g):
        at = axis % x.ndim
        n = x.shape[at]
        rows = np.moveaxis(g, range(at, at + indices.ndim), range(indices.ndim)).reshape(
            indices.size, *x.shape[:at], *x.shape[at + 1 :]
        )
        return np.moveaxis(sum_rows(n, indices.reshape(-1) % n, rows), 0, at)

    indices = np.asarray(indices)
    return np.take(x, indices, axis), (backward,)


@primitive
def take_along_axis(x, indices, axis):
    at = axis % x.ndim
    common = np.broadcast_shapes(*[(*s[:at], 1, *s[at + 1 :]) for s in (x.shape, indices.shape)])
    grid = list(np.ogrid[tuple(slice(n) for n in common)])
    # Where x itself is broadcast there is one element to take.
    grid = [np.zeros_like(g) if n == 1 else g for g, n in zip(grid, x.shape, strict=True)]
    grid[at] = indices
    key = tuple(grid)

    def backward(g):
        dx = np.zeros(x.shape, x.dtype)
        if (
            indices.shape[at] == 1
            and x.shape[:at] == common[:at]
            and x.shape[at + 1 :] == common[at + 1 :]
        ):
            dx[key] = g
        else:
            np.add.at(dx, key, g)
        return dx

    return x[key], (backward,)


def _rows(indices):
    return tuple(np.moveaxis(np.asarray(indices), -1, 0))


def scatter_add(x, indices, updates):
    return _scatter_add(x, updates, indices)


@primitive(2)
def _scatter_add(x, updates, indices):
    key = _rows(indices)
    y = x.copy()
    np.add.at(y, key, updates)
    return y, (lambda g: g, lambda g: unbroadcast(g[key], updates.shape))


def scatter_update(x, indices, updates):
    return _scatter_update(x, updates, indices)


@primitive(2)
def _scatter_update(x, updates, indices):
    key = _rows(indices)
    y = x.copy()
    y[key] = updates

    def kept(g):
        g = g.copy()
        g[key] = 0
        return g

    return y, (kept, lambda g: unbroadcast(g[key], updates.shape))


def where(condition, x1, x2):
    return _where(x1, x2, condition)


@primitive(2)
def _where(x1, x2, condition):
    x1, x2 = same(x1, x2)

    def backward(g, needs):
        mask = np.asarray(condition, bool)
        return (
            unbroadcast(where_kept(mask, g), x1.shape) if needs[0] else None,
            unbroadcast(where_kept(~mask, g), x2.shape) if needs[1] else None,
        )

    return np.where(condition, x1, x2), backward


@primitive
def sort(x, axis):
    order = np.argsort(x, axis, kind="stable")

    def backward(g):
        dx = np.empty(x.shape, x.dtype)
        np.put_along_axis(dx, order, g, axis)
        return dx

    return np.take_along_axis(x, order, axis), (backward,)


@primitive
def argsort(x, axis):
    return np.argsort(x, axis, kind="stable").astype("int32"), None

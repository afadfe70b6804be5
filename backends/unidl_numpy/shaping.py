"""Conversion, creation and shape."""

from __future__ import annotations

from functools import cache

import numpy as np

from unidl import tree
from unidl.backend import dtypes
from unidl.backend.errors import UnsupportedDtypeError
from unidl.backend.host_data import check_parts, from_host
from unidl_numpy.indexing import sum_rows
from unidl_numpy.sums import unbroadcast
from unidl_numpy.tape import ALL, plain, primitive
from unidl_numpy.tape_array import TapeArray

DTYPES = frozenset(dtypes.ALL) - {"bfloat16"}


def numpy_dtype(dtype):
    """NumPy's dtype of a dtype's name."""
    name = dtypes.standardize_dtype(dtype)
    if name == "bfloat16":
        raise UnsupportedDtypeError(
            "NumPy has no bfloat16, so the NumPy backend does not offer it. Write dtype='float32' "
            "(or 'float16'), "
            "or use a backend whose list_backends() entry is a framework with bfloat16."
        )
    return np.dtype(name)


@cache
def dtype_name(dtype):
    """The name of a NumPy dtype, which NumPy puts together anew each time."""
    return dtype.name


# -- to and from
# -------------------------------------------------------------------------------------


def asarray(x, dtype=None):
    if type(x) is TapeArray:
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, (list, tuple)) and tree.has_instance(TapeArray, x):
        parts = [asarray(item, dtype) for item in x]
        check_parts(x, [part.shape for part in parts])
        common = dtypes.result_type(*(dtype_name(part.dtype) for part in parts))
        return stack([cast(part, common) for part in parts], 0)
    wanted = None if dtype is None else dtype_name(numpy_dtype(dtype))
    return from_host(x, wanted, DTYPES)[0]


def to_numpy(x):
    return np.array(plain(x))


def is_tensor(x):
    return isinstance(x, np.ndarray)


def shape(x):
    return x.shape


def dtype(x):
    return dtype_name(x.dtype)


def stop_gradient(x):
    return plain(x)


@primitive
def cast(x, dtype):
    return x.astype(numpy_dtype(dtype), copy=False), (
        lambda g: g.astype(x.dtype),
    ) if x.dtype.kind == "f" else None


def full(shape, value, dtype):
    return np.full(shape, value, numpy_dtype(dtype))


def zeros(shape, dtype):
    return np.zeros(shape, numpy_dtype(dtype))


def full_like(x, value, dtype=None):
    return np.full(x.shape, value, x.dtype if dtype is None else numpy_dtype(dtype))


def arange(start, stop, step, dtype):
    return np.arange(start, stop, step).astype(numpy_dtype(dtype), copy=False)


def eye(n, m, k, dtype):
    return np.eye(n, m, k, numpy_dtype(dtype))


# -- shape
# -------------------------------------------------------------------------------------------


@primitive
def reshape(x, shape):
    return x.reshape(shape), (lambda g: g.reshape(x.shape),)


@primitive
def transpose(x, axes):
    back = [0] * len(axes)
    for i, axis in enumerate(axes):
        back[axis] = i
    return x.transpose(axes), (lambda g: g.transpose(back),)


@primitive
def broadcast_to(x, shape):
    extra = len(shape) - x.ndim
    shape = tuple([x.shape[i - extra] if n == -1 else n for i, n in enumerate(shape)])
    return np.broadcast_to(x, shape), (lambda g: unbroadcast(g, x.shape),)


@primitive
def expand_dims(x, axis):
    return np.expand_dims(x, axis), (lambda g: g.reshape(x.shape),)


@primitive
def squeeze(x, axis):
    return np.squeeze(x, axis), (lambda g: g.reshape(x.shape),)


def concatenate(xs, axis):
    return _concatenate(*xs, axis=axis)


@primitive(ALL)
def _concatenate(*xs, axis):
    def backward(g, needs):
        cuts = np.cumsum([x.shape[axis] for x in xs[:-1]])
        return np.split(g, cuts, axis)

    return np.concatenate(xs, axis), backward


def stack(xs, axis):
    return _stack(*xs, axis=axis)


@primitive(ALL)
def _stack(*xs, axis):
    return np.stack(xs, axis), lambda g, needs: list(np.moveaxis(g, axis, 0))


@primitive
def split(x, indices_or_sections, axis):
    parts = np.split(x, indices_or_sections, axis)

    def backward(gs, needs):
        return (
            np.concatenate(
                [
                    np.zeros(p.shape, x.dtype) if g is None else g
                    for g, p in zip(gs, parts, strict=True)
                ],
                axis,
            ),
        )

    return parts, backward


@primitive
def unstack(x, axis):
    parts = list(np.moveaxis(x, axis, 0))

    def backward(gs, needs):
        dx = np.zeros(x.shape, x.dtype)
        for slot, g in zip(np.moveaxis(dx, axis, 0), gs, strict=True):
            if g is not None:
                slot[...] = g
        return (dx,)

    return [np.asarray(part) for part in parts], backward


@primitive
def flip(x, axis):
    return np.flip(x, axis), (lambda g: np.flip(g, axis),)


@primitive
def tile(x, repeats):
    def backward(g):
        pairs = [n for pair in zip(repeats, x.shape, strict=True) for n in pair]
        return g.reshape(pairs).sum(axis=tuple(range(0, 2 * x.ndim, 2)), dtype=x.dtype)

    return np.tile(x, repeats), (backward,)


@primitive
def repeat(x, repeats, axis):
    def backward(g):
        at = axis % x.ndim
        return g.reshape((*x.shape[: at + 1], repeats, *x.shape[at + 1 :])).sum(
            axis=at + 1, dtype=x.dtype
        )

    return np.repeat(x, repeats, axis), (backward,)


@primitive
def pad(x, pad_width, mode="constant", constant_values=0):
    pad_width = tuple(tuple(pair) for pair in pad_width)
    if mode == "constant":
        inside = tuple(
            slice(before, before + n) for (before, _), n in zip(pad_width, x.shape, strict=True)
        )
        y = np.full(
            [before + n + after for (before, after), n in zip(pad_width, x.shape, strict=True)],
            constant_values,
            x.dtype,
        )
        y[inside] = x
        return y, (lambda g: g[inside],)

    def backward(g):
        # These modes repeat elements axis by axis, so the gradients of the copies add up axis by
        # axis.
        for axis, (pair, n) in enumerate(zip(pad_width, x.shape, strict=True)):
            if pair != (0, 0):
                source = np.pad(np.arange(n), pair, mode=mode)
                g = np.moveaxis(sum_rows(n, source, np.moveaxis(g, axis, 0)), 0, axis)
        return g

    return np.pad(x, pad_width, mode=mode), (backward,)

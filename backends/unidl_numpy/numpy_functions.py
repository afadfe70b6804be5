"""NumPy's functions with NumPy's signatures over the primitives, for `__array_function__` and the
methods of a TapeArray."""

from __future__ import annotations

import numpy as np

from unidl_numpy import elementwise, indexing, linalg, products, reductions, shaping
from unidl_numpy.promotion import pair
from unidl_numpy.tape import plain


def reshape(x, shape, order="C"):
    if order != "C":
        raise TypeError(f'reshape: only order="C" is offered here, got {order!r}. Transpose first.')
    return shaping.reshape(x, (shape,) if isinstance(shape, int) else tuple(shape))


def ravel(x, order="C"):
    return reshape(x, (-1,), order)


def transpose(x, axes=None):
    return shaping.transpose(
        x, tuple(range(x.ndim))[::-1] if axes is None else tuple([a % x.ndim for a in axes])
    )


def swapaxes(x, axis1, axis2):
    axes = list(range(x.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return shaping.transpose(x, tuple(axes))


def moveaxis(x, source, destination):
    rank = x.ndim
    source = [a % rank for a in ([source] if isinstance(source, int) else source)]
    destination = [
        a % rank for a in ([destination] if isinstance(destination, int) else destination)
    ]
    order = [a for a in range(rank) if a not in source]
    for to, axis in sorted(zip(destination, source, strict=True)):
        order.insert(to, axis)
    return shaping.transpose(x, tuple(order))


def squeeze(x, axis=None):
    return shaping.squeeze(
        x, tuple([i for i, n in enumerate(x.shape) if n == 1]) if axis is None else axis
    )


def std(x, axis=None, keepdims=False):
    return elementwise.sqrt(reductions.var(x, axis, keepdims))


def ptp(x, axis=None, keepdims=False):
    return elementwise.subtract(
        reductions.max(x, axis, keepdims), reductions.min(x, axis, keepdims)
    )


def cumsum(x, axis=None):
    return reductions.cumsum(ravel(x), 0) if axis is None else reductions.cumsum(x, axis)


def cumprod(x, axis=None):
    return reductions.cumprod(ravel(x), 0) if axis is None else reductions.cumprod(x, axis)


def clip(x, a_min=None, a_max=None):
    if not all(bound is None or np.ndim(bound) == 0 for bound in (a_min, a_max)):
        raise TypeError(
            "clip: the bounds must be numbers here; write np.minimum(np.maximum(x, low), high) for "
            "arrays."
        )
    return elementwise.clip(x, a_min, a_max)


def take(x, indices, axis=None):
    indices = np.asarray(plain(indices))
    return indexing.take(ravel(x), indices, 0) if axis is None else indexing.take(x, indices, axis)


def take_along_axis(x, indices, axis):
    return indexing.take_along_axis(x, np.asarray(indices), axis)


def repeat(x, repeats, axis=None):
    if not isinstance(repeats, int):
        return take(
            x, np.repeat(np.arange(x.size if axis is None else x.shape[axis]), repeats), axis
        )
    return (
        shaping.repeat(ravel(x), repeats, 0) if axis is None else shaping.repeat(x, repeats, axis)
    )


def tile(x, reps):
    reps = (reps,) if isinstance(reps, int) else tuple(reps)
    rank = max(len(reps), x.ndim)
    return shaping.tile(
        reshape(x, (1,) * (rank - x.ndim) + x.shape), (1,) * (rank - len(reps)) + reps
    )


def flip(x, axis=None):
    return shaping.flip(x, tuple(range(x.ndim)) if axis is None else axis)


def roll(x, shift, axis=None):
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    return take(x, np.roll(np.arange(x.shape[axis]), shift), axis)


def pad(x, pad_width, mode="constant", constant_values=0):
    return shaping.pad(x, np.broadcast_to(pad_width, (x.ndim, 2)).tolist(), mode, constant_values)


def broadcast_to(x, shape):
    return shaping.broadcast_to(x, (shape,) if isinstance(shape, int) else tuple(shape))


def concatenate(xs, axis=0):
    return (
        shaping.concatenate([ravel(x) for x in xs], 0)
        if axis is None
        else shaping.concatenate(list(xs), axis)
    )


def stack(xs, axis=0):
    return shaping.stack(list(xs), axis)


def vstack(xs):
    return concatenate([reshape(x, (1, -1)) if x.ndim < 2 else x for x in xs], 0)


def hstack(xs):
    return concatenate(list(xs), 0 if xs[0].ndim == 1 else 1)


def split(x, indices_or_sections, axis=0):
    return shaping.split(x, indices_or_sections, axis)


def where(condition, x, y):
    return indexing.where(plain(condition), *pair(x, y))


def sort(x, axis=-1):
    return indexing.sort(ravel(x), 0) if axis is None else indexing.sort(x, axis)


def argmax(x, axis=None, keepdims=False):
    return np.argmax(plain(x), axis, keepdims=keepdims)


def argmin(x, axis=None, keepdims=False):
    return np.argmin(plain(x), axis, keepdims=keepdims)


def argsort(x, axis=-1):
    return np.argsort(plain(x), axis, kind="stable")


def nonzero(x):
    return np.nonzero(plain(x))


def dot(x, y):
    if x.ndim == 0 or y.ndim == 0:
        return elementwise.multiply(x, y)
    return products.matmul(x, y) if y.ndim <= 2 else tensordot(x, y, ([-1], [-2]))


def outer(x, y):
    return elementwise.multiply(reshape(x, (-1, 1)), reshape(y, (1, -1)))


def tensordot(x, y, axes=2):
    return products.tensordot(x, y, axes)


def einsum(subscripts, *operands):
    return products.einsum(subscripts, *operands)


def tril(x, k=0):
    return elementwise.multiply(x, np.tri(*x.shape[-2:], k=k, dtype=x.dtype))


def triu(x, k=0):
    return elementwise.multiply(x, 1 - np.tri(*x.shape[-2:], k=k - 1, dtype=x.dtype))


def trace(x, offset=0):
    return reductions.sum(diagonal(x, offset))


def diagonal(x, offset=0):
    if x.ndim != 2:
        raise TypeError("diagonal: only of a matrix here; write unidl.ops.diagonal for more axes.")
    rows = np.arange(x.shape[0])
    rows = rows[(rows + offset >= 0) & (rows + offset < x.shape[1])]
    return indexing.getitem(x, (rows, rows + offset))


TABLE = {
    np.sum: reductions.sum, np.mean: reductions.mean, np.prod: reductions.prod,
    np.max: reductions.max, np.amax: reductions.max, np.min: reductions.min,
    np.amin: reductions.min, np.var: reductions.var, np.std: std, np.ptp: ptp, np.cumsum: cumsum,
    np.cumprod: cumprod, np.clip: clip, np.reshape: reshape, np.ravel: ravel,
    np.transpose: transpose, np.swapaxes: swapaxes, np.moveaxis: moveaxis, np.squeeze: squeeze,
    np.expand_dims: shaping.expand_dims, np.broadcast_to: broadcast_to, np.concatenate: concatenate,
    np.stack: stack, np.vstack: vstack, np.hstack: hstack, np.split: split, np.tile: tile,
    np.repeat: repeat, np.flip: flip, np.roll: roll, np.pad: pad, np.take: take,
    np.take_along_axis: take_along_axis, np.where: where, np.sort: sort, np.dot: dot,
    np.outer: outer, np.tensordot: tensordot, np.einsum: einsum, np.tril: tril, np.triu: triu,
    np.trace: trace, np.diagonal: diagonal, np.argmax: argmax, np.argmin: argmin,
    np.argsort: argsort, np.nonzero: nonzero, np.linalg.cholesky: linalg.cholesky,
    np.linalg.qr: linalg.qr, np.linalg.eigh: linalg.eigh, np.linalg.solve: linalg.solve,
    np.linalg.inv: linalg.inv, np.linalg.det: linalg.det, np.copy: lambda x: x,
}  # fmt: skip

METHODS = {
    "sum": reductions.sum, "mean": reductions.mean, "prod": reductions.prod, "max": reductions.max,
    "min": reductions.min, "var": reductions.var, "std": std, "ptp": ptp, "cumsum": cumsum,
    "cumprod": cumprod, "squeeze": squeeze, "ravel": ravel, "flatten": ravel, "swapaxes": swapaxes,
    "dot": dot, "take": take, "repeat": repeat, "clip": clip, "trace": trace, "diagonal": diagonal,
    "argmax": argmax, "argmin": argmin, "argsort": argsort, "nonzero": nonzero,
    "any": reductions.any, "all": reductions.all, "copy": lambda x, order="C": x,
}  # fmt: skip

# What depends on the shape, or is no differentiable function of the values.
CONSTANT = {
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.any,
    np.all, np.count_nonzero, np.isclose, np.allclose, np.array_equal, np.argwhere, np.flatnonzero,
    np.searchsorted, np.result_type, np.may_share_memory, np.shares_memory, np.array_repr,
    np.array_str, np.array2string, np.iscomplexobj, np.isrealobj, np.can_cast, np.round,
}  # fmt: skip

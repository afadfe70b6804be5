"""Conversion, identity and control flow."""

from __future__ import annotations

import builtins

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.symbolic import symbolic
from unidl.backend.variable import Variable
from unidl.ops.dispatch import NUMBERS, backend_of, call, convert, op, owner_of


def convert_to_tensor(x, dtype=None):
    """Native tensor of the active backend (a tensor stays with its own), in `dtype` if given."""
    backend = backend_of((x,))
    x = convert(backend, x)
    dtype = None if dtype is None else dtypes.standardize_dtype(dtype)
    if not backend.is_tensor(x):
        return backend.asarray(x, dtype)
    return x if dtype is None or backend.dtype(x) == dtype else backend.cast(x, dtype)


def convert_to_numpy(x):
    """Host copy as `np.ndarray`, of a tensor of any backend, a Variable or host data."""
    if isinstance(x, Variable):
        return x.numpy()
    owner = owner_of(x)
    return np.asarray(x) if owner is None else owner.to_numpy(x)


def is_tensor(x) -> bool:
    """Whether `x` is a tensor of an installed backend, or a symbolic one."""
    return isinstance(x, np.ndarray) or (not isinstance(x, Variable) and owner_of(x) is not None)


def shape(x) -> tuple:
    """Shape as a tuple; None for an open axis of a symbolic tensor."""
    if isinstance(x, Variable | np.ndarray):
        return tuple(x.shape)
    owner = owner_of(x)
    return np.shape(x) if owner is None else owner.shape(x)


def dtype(x) -> str:
    """Dtype by name."""
    if isinstance(x, Variable):
        return x.dtype
    owner = owner_of(x)
    if owner is None:
        return x.dtype.name if isinstance(x, np.ndarray) else symbolic.asarray(x).dtype
    return owner.dtype(x)


@op
def cast(x, dtype):
    """`x` in another dtype; float to int truncates towards zero."""
    wanted = dtypes.standardize_dtype(dtype)
    backend = backend_of((x,))
    x = convert(backend, x)
    if type(x) in NUMBERS:
        x = backend.asarray(x)
    return x if backend.dtype(x) == wanted else backend.cast(x, wanted)


@op
def stop_gradient(variable):
    """The same values, through which no gradient flows."""
    return call("stop_gradient", variable)


@op
def copy(x):
    """A tensor that shares no memory with `x`."""
    return call("copy", x)


@op
def scan(f, init, xs, reverse=False):
    """Loop over the leading axis: f(state, x) -> (state, y).

    Args:
        f: function of a tuple of tensors and a tuple of the tensors of one moment.
        init: tuple of tensors.
        xs: tuple of tensors (t, ...).
        reverse: from the last moment to the first; the outputs keep the order of `xs`.

    Returns:
        (last state, outputs (t, ...)).
    """
    backend = backend_of((*init, *xs))
    return backend.scan(f, tuple(convert(backend, s) for s in init), tuple(convert(backend, x) for x in xs), reverse)


def cond(pred, true_fn, false_fn):
    """`true_fn()` if the host-readable bool `pred` holds, else `false_fn()`. Inside a trace use `where`."""
    if backend_of((pred,)) is symbolic:
        raise TypeError("cond: the condition is symbolic and has no value yet. Use unidl.ops.where(condition, a, b).")
    return true_fn() if bool(convert_to_numpy(pred)) else false_fn()


def unstack(x, num=None, axis=0):
    """List of the slices along an axis of known size."""
    found = call("unstack", x, axis=axis)
    if num is not None and len(found) != num:
        raise ValueError(f"unstack: num={num}, but axis {axis} has {len(found)} elements.")
    return found


def scatter(indices, values, shape):
    """Zeros of `shape` with `values` (m, ...) added at integer `indices` (m, k)."""
    backend = backend_of((indices, values))
    values = convert(backend, values)
    return call("scatter_add", backend.zeros(tuple(shape), backend.dtype(values)), indices, values)


def scatter_update(inputs, indices, updates):
    """Copy of `inputs` with `updates` (m, ...) put at integer `indices` (m, k)."""
    return call("scatter_update", inputs, indices, updates)


@op
def slice(inputs, start_indices, shape):
    """The block of `shape` that begins at `start_indices` (Python ints)."""
    return call("getitem", inputs, key=tuple(builtins.slice(a, a + n) for a, n in zip(start_indices, shape, strict=True)))


@op
def slice_update(inputs, start_indices, updates):
    """Copy of `inputs` with the block that begins at `start_indices` (Python ints) replaced by `updates`."""
    sizes, block = shape(inputs), shape(updates)
    pads = tuple((a, n - a - b) for a, n, b in zip(start_indices, sizes, block, strict=True))
    inside = call("pad", call("full_like", updates, value=1, dtype="bool"), pad_width=pads)
    return call("where", inside, call("pad", updates, pad_width=pads), inputs)





def device_scope(device_name):
    """`with device_scope("gpu:0"):` puts new tensors there."""
    return registry.device(device_name)

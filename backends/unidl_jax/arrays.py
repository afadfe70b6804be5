"""Arrays: conversion, creation, shape, indexing, sorting."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from unidl.backend import contract, registry
from unidl.backend.host_data import from_host
from unidl_jax.precision import jax_dtype


def current_device():
    """The JAX device asked for, None for JAX' own choice."""
    name = registry.current_device()
    if name is None:
        return None
    kind, _, index = name.partition(":")
    return jax.local_devices(backend=kind)[int(index)]


class Arrays(contract.Arrays):
    def asarray(self, x, dtype=None):
        if isinstance(x, jax.Array):
            return x if dtype in (None, self.dtype(x)) else self.cast(x, dtype)
        if isinstance(x, list | tuple) and any(isinstance(v, jax.Array) for v in x):
            return self.stack([self.asarray(v, dtype) for v in x], 0)
        array, dtype = from_host(x, dtype)
        # A copy: on a CPU JAX would share memory that the caller may change later.
        return jax.device_put(np.array(array, dtype=jax_dtype(dtype)), current_device())

    def to_numpy(self, x):
        return np.array(x)

    def is_tensor(self, x):
        return isinstance(x, jax.Array)

    def shape(self, x):
        return x.shape

    def dtype(self, x):
        return x.dtype.name

    def cast(self, x, dtype):
        return x.astype(jax_dtype(dtype))

    def stop_gradient(self, x):
        return jax.lax.stop_gradient(x)

    def full(self, shape, value, dtype):
        return jnp.full(shape, value, jax_dtype(dtype), device=current_device())

    def full_like(self, x, value, dtype=None):
        return jnp.full(x.shape, value, x.dtype if dtype is None else jax_dtype(dtype))

    def arange(self, start, stop, step, dtype):
        return jnp.arange(start, stop, step, jax_dtype(dtype))

    def broadcast_to(self, x, shape):
        aligned = (1,) * (len(shape) - x.ndim) + x.shape
        return jnp.broadcast_to(
            x, tuple(n if s == -1 else s for s, n in zip(shape, aligned, strict=True))
        )

    def repeat(self, x, repeats, axis):
        return jnp.repeat(x, repeats, axis)

    def pad(self, x, pad_width, mode="constant", constant_values=0):
        options = {"constant_values": constant_values} if mode == "constant" else {}
        return jnp.pad(x, pad_width, mode, **options)

    def split(self, x, indices_or_sections, axis):
        sections = indices_or_sections
        return jnp.split(x, sections if isinstance(sections, int) else list(sections), axis)

    def unstack(self, x, axis):
        return [jax.lax.index_in_dim(x, i, axis, keepdims=False) for i in range(x.shape[axis])]

    def getitem(self, x, key):
        return x[key]

    def take(self, x, indices, axis):
        return jnp.take(x, indices, axis, mode="wrap" if x.shape[axis] else None)

    def take_along_axis(self, x, indices, axis):
        return jnp.take_along_axis(x, indices, axis)

    def scatter_add(self, x, indices, updates):
        return x.at[tuple(jnp.moveaxis(indices, -1, 0))].add(updates)

    def scatter_update(self, x, indices, updates):
        return x.at[tuple(jnp.moveaxis(indices, -1, 0))].set(updates)

    def argsort(self, x, axis):
        return jnp.argsort(x, axis, stable=True).astype("int32")

    reshape = staticmethod(jnp.reshape)
    transpose = staticmethod(jnp.transpose)
    expand_dims = staticmethod(jnp.expand_dims)
    squeeze = staticmethod(jnp.squeeze)
    concatenate = staticmethod(jnp.concatenate)
    stack = staticmethod(jnp.stack)
    flip = staticmethod(jnp.flip)

    def tile(self, x, repeats):
        return jnp.tile(x, repeats)

    where = staticmethod(jnp.where)
    sort = staticmethod(jnp.sort)

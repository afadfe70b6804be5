"""Arrays: conversion, creation, shape, indexing, sorting."""

from __future__ import annotations

import numpy as np
import torch

from unidl import tree
from unidl.backend import contract, dtypes
from unidl.backend.host_data import check_parts, fitted, from_host
from unidl_torch.types import DTYPE_NAME, current_device, torch_dtype

_NUMBERS = (bool, int, float)

# torch has the other dtypes too, but adds no numbers of them.
_COMPUTED = frozenset(dtypes.ALL) - {"uint16", "uint32", "uint64"}


def share(array):
    """CPU tensor of a NumPy array, on the same memory where torch can use that memory."""
    if not array.flags.writeable or min(array.strides, default=0) < 0:
        array = array.copy()
    if (
        array.dtype.kind == "V" and array.dtype.name == "bfloat16"
    ):  # of ml_dtypes, which torch does not know
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def flat_axes(axis, rank):
    """An int or a tuple of ints as a sorted list of non-negative axes."""
    axes = (axis,) if isinstance(axis, int) else axis
    return sorted(a % rank for a in axes)


class Arrays(contract.Arrays):
    # -- to and from the framework ---------------------------------------------------------------

    def asarray(self, x, dtype=None):
        if isinstance(x, torch.Tensor):
            return x.to(current_device(), x.dtype if dtype is None else torch_dtype(dtype))
        if type(x) in _NUMBERS and abs(x) < 2**31:
            dtype = dtypes.standardize_dtype(type(x) if dtype is None else dtype)
            number = fitted(x, dtype)
            return torch.tensor(number, dtype=torch_dtype(dtype), device=current_device())
        if isinstance(x, (list, tuple)) and tree.has_instance(torch.Tensor, x):
            parts = [self.asarray(item, dtype) for item in x]
            check_parts(x, [part.shape for part in parts])
            common = dtypes.result_type(*(self.dtype(part) for part in parts))
            return torch.stack([self.cast(part, common) for part in parts])
        array, dtype = from_host(x, dtype, _COMPUTED)
        return share(array).to(current_device(), torch_dtype(dtype))

    def to_numpy(self, x):
        if x.requires_grad:
            x = x.detach()
        if x.dtype is torch.bfloat16:
            x = x.float()  # NumPy has no bfloat16; every one of them is a float32.
        # A copy always: optimizers change the memory of variables in place.
        return x.numpy().copy() if x.is_cpu else x.cpu().numpy()

    def is_tensor(self, x):
        return isinstance(x, torch.Tensor)

    def shape(self, x):
        return tuple(x.shape)

    def dtype(self, x):
        return DTYPE_NAME[x.dtype]

    def cast(self, x, dtype):
        return x.to(torch_dtype(dtype))

    def stop_gradient(self, x):
        return x.detach()

    # -- creation --------------------------------------------------------------------------------

    def full(self, shape, value, dtype):
        return torch.full(shape, value, dtype=torch_dtype(dtype), device=current_device())

    def full_like(self, x, value, dtype=None):
        # The dtype must be told: a float `value` is cut to fit an integer tensor, as in NumPy.
        return torch.full_like(x, value, dtype=x.dtype if dtype is None else torch_dtype(dtype))

    def arange(self, start, stop, step, dtype):
        return torch.arange(start, stop, step, dtype=torch_dtype(dtype), device=current_device())

    # -- shape -----------------------------------------------------------------------------------

    def reshape(self, x, shape):
        return x.reshape(shape)

    def transpose(self, x, axes):
        return x.permute(axes)

    def broadcast_to(self, x, shape):
        return x.expand(shape)

    def expand_dims(self, x, axis):
        if isinstance(axis, int):
            return x.unsqueeze(axis)
        for a in flat_axes(axis, x.ndim + len(axis)):
            x = x.unsqueeze(a)
        return x

    def squeeze(self, x, axis):
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        if any(x.shape[a] != 1 for a in axes):
            raise ValueError(f"squeeze: axis {axis} of shape {tuple(x.shape)} is not of size 1.")
        return x.squeeze(axes)

    def concatenate(self, xs, axis):
        return torch.cat(xs, axis)

    def stack(self, xs, axis):
        return torch.stack(xs, axis)

    def split(self, x, indices_or_sections, axis):
        return list(torch.tensor_split(x, indices_or_sections, axis))

    def unstack(self, x, axis):
        return list(x.unbind(axis))

    def flip(self, x, axis):
        return torch.flip(x, (axis,) if isinstance(axis, int) else axis)

    def tile(self, x, repeats):
        return x.repeat(repeats)

    def repeat(self, x, repeats, axis):
        return torch.repeat_interleave(x, repeats, axis)

    def pad(self, x, pad_width, mode="constant", constant_values=0):
        if mode == "constant":
            widths = [width for pair in reversed(pad_width) for width in pair]
            return torch.nn.functional.pad(x, widths, value=constant_values)
        for axis, (before, after) in enumerate(pad_width):
            if before or after:
                # torch pads only the last axes by reflection; NumPy knows which element comes from
                # where.
                source = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode)
                x = x.index_select(axis, torch.from_numpy(source).to(x.device))
        return x

    # -- indexing --------------------------------------------------------------------------------

    def getitem(self, x, key):
        for k in key:
            if type(k) is slice and k.step is not None and k.step < 0:
                return _getitem_reversed(x, key)
        return x[key]

    def take(self, x, indices, axis):
        # Indexing, unlike index_select, counts negative indices from the end.
        return x[(slice(None),) * (axis % x.ndim) + (indices.long(),)]

    def take_along_axis(self, x, indices, axis):
        return torch.take_along_dim(x, indices.long(), axis)

    def scatter_add(self, x, indices, updates):
        return x.index_put(indices.long().unbind(-1), updates, accumulate=True)

    def scatter_update(self, x, indices, updates):
        return x.index_put(indices.long().unbind(-1), updates)

    def where(self, condition, x1, x2):
        return torch.where(condition, x1, x2)

    # -- order -----------------------------------------------------------------------------------

    def sort(self, x, axis):
        return torch.sort(x, axis).values

    def argsort(self, x, axis):
        return torch.argsort(x, dim=axis, stable=True).int()


def _getitem_reversed(x, key):
    """Indexing with negative steps: take the same elements forwards, then flip those axes."""
    named = sum(k is not None and k is not Ellipsis for k in key)
    if Ellipsis not in key:
        key = (*key, Ellipsis)
    at = key.index(Ellipsis)
    key = (*key[:at], *(slice(None),) * (x.ndim - named), *key[at + 1 :])
    forwards, flipped, source, target = [], [], 0, 0
    for k in key:
        if isinstance(k, slice) and k.step is not None and k.step < 0:
            places = range(*k.indices(x.shape[source]))[::-1]
            k = slice(places.start, places.stop, places.step) if places else slice(0, 0)
            flipped.append(target)
        forwards.append(k)
        source += k is not None
        target += not isinstance(k, int)
    return torch.flip(x[tuple(forwards)], flipped)

"""Arrays: conversion, creation, shape, indexing, sorting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

from unidl.backend.dtypes import UNSIGNED, is_integer


class Arrays(ABC):
    # -- to and from the framework ---------------------------------------------------------------

    @abstractmethod
    def asarray(self, x, dtype=None):
        """Native tensor of a number, nested list, NumPy array or native tensor, on the current
        device.

        Without `dtype` Python floats become `floatx`, Python ints int32, bools bool; arrays keep
        their dtype.
        """

    @abstractmethod
    def to_numpy(self, x):
        """Host copy of native `x` as `np.ndarray`."""

    @abstractmethod
    def is_tensor(self, x) -> bool:
        """Whether `x` is a native tensor (a traced one too)."""

    @abstractmethod
    def shape(self, x) -> tuple:
        """Shape as a tuple of ints; None for an axis that is open while tracing."""

    @abstractmethod
    def dtype(self, x) -> str:
        """Dtype by NumPy's name: "float32", "bool", "bfloat16" ..."""

    @abstractmethod
    def cast(self, x, dtype):
        """`x` in `dtype`; float to int truncates towards zero, bool is 0 and 1."""

    @abstractmethod
    def stop_gradient(self, x):
        """`x`, through which no gradient flows."""

    # -- creation --------------------------------------------------------------------------------

    @abstractmethod
    def full(self, shape, value, dtype):
        """Tensor filled with the Python number `value`."""

    @abstractmethod
    def full_like(self, x, value, dtype=None):
        """Like `full` with the shape (open axes too) and, unless given, the dtype of `x`."""

    @abstractmethod
    def arange(self, start, stop, step, dtype):
        """Evenly spaced values in [start, stop); all three Python numbers."""

    def zeros(self, shape, dtype):
        return self.full(shape, 0, dtype)

    def ones(self, shape, dtype):
        return self.full(shape, 1, dtype)

    def eye(self, n, m, k, dtype):
        """(n, m) with ones on the k-th diagonal."""
        rows = self.reshape(self.arange(0, n, 1, "int32"), (n, 1))
        return self.cast(self.equal(self.add(rows, k), self.arange(0, m, 1, "int32")), dtype)

    # -- shape -----------------------------------------------------------------------------------

    @abstractmethod
    def reshape(self, x, shape):
        """`shape` may hold one -1."""

    @abstractmethod
    def transpose(self, x, axes):
        """Permute by the full tuple `axes`."""

    @abstractmethod
    def broadcast_to(self, x, shape):
        """A -1 in `shape` keeps that axis of `x` (aligned from the right)."""

    @abstractmethod
    def expand_dims(self, x, axis):
        """`axis` an int or a tuple of ints, positions in the result."""

    @abstractmethod
    def squeeze(self, x, axis):
        """`axis` an int or a tuple of ints, each of size 1."""

    @abstractmethod
    def concatenate(self, xs, axis):
        """Join tensors of one dtype along an existing axis."""

    def stack(self, xs, axis):
        """Join along a new axis."""
        return self.concatenate([self.expand_dims(x, axis) for x in xs], axis)

    def split(self, x, indices_or_sections, axis):
        """List of parts: equal ones, or cut before each of the given indices. The axis has a known
        size."""
        axis = axis % len(self.shape(x))
        size = self.shape(x)[axis]
        if isinstance(indices_or_sections, int):
            cuts = (
                list(range(0, size + 1, size // indices_or_sections))
                if size
                else [0] * (indices_or_sections + 1)
            )
        else:
            cuts = [0, *indices_or_sections, size]
        before = (slice(None),) * axis
        return [self.getitem(x, (*before, slice(a, b))) for a, b in pairwise(cuts)]

    def unstack(self, x, axis):
        """List of the slices along an axis of known size."""
        before = (slice(None),) * (axis % len(self.shape(x)))
        return [self.getitem(x, (*before, i)) for i in range(self.shape(x)[axis])]

    @abstractmethod
    def flip(self, x, axis):
        """Reverse the order along `axis`, an int or a tuple of ints."""

    @abstractmethod
    def tile(self, x, repeats):
        """`repeats` has one int for each axis of `x`."""

    @abstractmethod
    def repeat(self, x, repeats, axis):
        """Each element `repeats` (one int) times along `axis`."""

    @abstractmethod
    def pad(self, x, pad_width, mode="constant", constant_values=0):
        """`pad_width`: ((before, after), ...) for each axis; mode "constant", "reflect",
        "symmetric" or "edge"."""

    # -- indexing --------------------------------------------------------------------------------

    @abstractmethod
    def getitem(self, x, key):
        """Basic indexing: a tuple of ints, slices (negative steps too), None and Ellipsis."""

    @abstractmethod
    def take(self, x, indices, axis):
        """Slices of `x` along `axis` by an integer tensor of any shape; negative indices count from
        the end.

        An index out of range is an error where the framework can tell, and undefined elsewhere:
        callers check on the host.
        """

    @abstractmethod
    def take_along_axis(self, x, indices, axis):
        """NumPy's `take_along_axis` for non-negative integer `indices` of x's rank (other axes may
        be broadcast)."""

    @abstractmethod
    def scatter_add(self, x, indices, updates):
        """Copy of `x` with `updates` (m, *x.shape[k:]) added at integer `indices` (m, k); repeated
        ones add up."""

    @abstractmethod
    def scatter_update(self, x, indices, updates):
        """Like `scatter_add`, but replaces; repeated indices are undefined."""

    @abstractmethod
    def where(self, condition, x1, x2):
        """Broadcasting choice; the gradient is that of the branch taken, also where the other is
        NaN."""

    # -- order -----------------------------------------------------------------------------------

    @abstractmethod
    def sort(self, x, axis):
        """Ascending, NaN last."""

    @abstractmethod
    def argsort(self, x, axis):
        """int32 indices of a stable ascending sort."""

    def top_k(self, x, k):
        """(values, int32 indices) of the k largest along the last axis, in descending order, the
        first of equals first."""
        dtype = self.dtype(x)
        if is_integer(dtype):  # the smallest integer has no negative
            backwards = self.subtract(2 ** int(dtype[4:]) - 1 if dtype in UNSIGNED else -1, x)
        else:
            backwards = self.negative(x)
        order = self.argsort(backwards, -1)
        indices = self.getitem(order, (Ellipsis, slice(0, k)))
        return self.take_along_axis(x, indices, -1), indices

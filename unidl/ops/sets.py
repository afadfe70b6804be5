"""Positions, sets and counts, whose shapes depend on values. None of them has a gradient."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.ops.core import cast
from unidl.ops.dispatch import call, op, tensor_of
from unidl.ops.elementwise import (
    add,
    equal,
    greater,
    greater_equal,
    less,
    logical_and,
    logical_or,
    multiply,
    not_equal,
    subtract,
)
from unidl.ops.host_values import host_value
from unidl.ops.indexing import argsort, take, where
from unidl.ops.joining import concatenate
from unidl.ops.reductions import cumsum
from unidl.ops.reductions import max as max_
from unidl.ops.reductions import min as min_
from unidl.ops.reductions import sum as sum_
from unidl.ops.shaping import expand_dims, ravel, reshape
from unidl.tracing import KerasTensor
from unidl.tracing.shapes.arithmetic import one_axis
from unidl.typing import Axis, Tensor, TensorLike


@op
def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """Positions of the elements that are not 0: a tuple of int32 tensors (k,), one for each axis.
    Without gradient.

    Examples:
        >>> unidl.ops.nonzero([[1, 0], [0, 2]])  # the indices of each axis
        (array([0, 1], dtype=int32), array([0, 1], dtype=int32))
    """
    backend, x = tensor_of(x)
    if not backend.has_values:
        return tuple(KerasTensor((None,), "int32") for _ in x.shape)
    values = host_value("nonzero", x, "Compute with the mask itself: ops.where(mask, x, 0).")
    return tuple(backend.asarray(places.astype("int32")) for places in np.nonzero(values))


@op
def argpartition(x: TensorLike, kth: int, axis: int = -1) -> Tensor:
    """int32 indices that put element `kth` of the sorted order along `axis` at its place, smaller
    ones before, larger ones behind.

    The order within the two parts is the sorted one here. Flattened first if `axis` is None.
    Without gradient.

    Examples:
        >>> order = unidl.ops.argpartition([7.0, 1.0, 9.0, 3.0], 1)
        >>> unidl.ops.sort(order[:2])  # where the 2 smallest are
        array([1, 3], dtype=int32)
    """
    return argsort(x, axis)


@op
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Axis | None = None,
    size: Any = None,
    fill_value: TensorLike | None = None,
) -> Any:
    """The different elements of x (slices along `axis`), ascending; with what else was asked for, a
    tuple of them.

    Args:
        sorted: they are sorted in any case.
        return_index: int32 (k,) places of first occurrence, in the flattened x without `axis`.
        return_inverse: int32 numbers, of x's shape (of its axis), by which the unique elements give
            x back.
        return_counts: int32 (k,) numbers of occurrences.
        axis: None for elements, else the axis whose slices are compared.
        size: k is this: cut, or filled with `fill_value` (0), counts with 0 and indices with 1.
            Needed, with axis=None, where x has no values: in compiled functions.

    Without gradient. Each NaN is unequal to every other.

    Examples:
        >>> unidl.ops.unique([3, 1, 3, 2])
        array([1, 2, 3], dtype=int32)
        >>> values, counts = unidl.ops.unique([3, 1, 3, 2], return_counts=True)
        >>> counts
        array([1, 1, 2], dtype=int32)
    """
    backend, x = tensor_of(x)
    x = backend.stop_gradient(x)
    if not backend.has_values:
        results = _symbolic_unique(x, axis, size)
    elif size is not None and axis is None:
        results = _unique_of_size(backend, x, size, 0 if fill_value is None else fill_value)
    else:
        results = _unique_on_host(backend, x, axis, size, 0 if fill_value is None else fill_value)
    wanted = [True, return_index, return_inverse, return_counts]
    results = [r for r, w in zip(results, wanted, strict=True) if w]
    return results[0] if len(results) == 1 else tuple(results)


def _symbolic_unique(x: TensorLike, axis: Any, size: Any) -> Any:
    shape = [size] if axis is None else list(x.shape)
    if axis is not None:
        axis = one_axis("unique", axis, x.ndim, x.shape)
        shape[axis] = size
    numbers = KerasTensor((size,), "int32")
    return (
        KerasTensor(shape, x.dtype),
        numbers,
        KerasTensor(x.shape if axis is None else (x.shape[axis],), "int32"),
        numbers,
    )


def _unique_on_host(backend: Any, x: TensorLike, axis: Any, size: Any, fill: Any) -> Any:
    array = host_value(
        "unique", x, "Give the number of results: ops.unique(x, size=...), which needs axis=None."
    )
    values, *numbers = np.unique(array, True, True, True, axis=axis, equal_nan=False)
    numbers[1] = numbers[1].reshape(array.shape if axis is None else -1)
    if size is not None:
        place = one_axis("unique", axis, array.ndim, array.shape)
        missing = builtins.max(0, size - values.shape[place])
        values = np.pad(
            np.take(values, np.arange(builtins.min(size, values.shape[place])), place),
            [(0, missing if a == place else 0) for a in range(array.ndim)],
            constant_values=fill,
        )
        for i, filler in ((0, 1), (2, 0)):
            numbers[i] = np.pad(numbers[i][:size], (0, missing), constant_values=filler)
    return backend.asarray(values, backend.dtype(x)), *(
        backend.asarray(n.astype("int32")) for n in numbers
    )


def _unique_of_size(backend: Any, x: TensorLike, size: Any, fill: Any) -> Any:
    """On the device, all shapes known."""
    shape = tuple(backend.shape(x))
    flat = ravel(x)
    order = argsort(flat)
    ordered = take(flat, order)
    n = backend.shape(flat)[0]
    after, before = (
        call("getitem", ordered, key=(slice(1, None),)),
        call("getitem", ordered, key=(slice(0, n - 1),)),
    )
    first = concatenate([backend.full((1,), True, "bool"), not_equal(after, before)])
    number = subtract(cumsum(cast(first, "int32")), 1)
    # Position, in the sorted order, of the first of each, at the place of its number.
    starts = call(
        "segment_sum", where(first, backend.arange(0, n, 1, "int32"), 0), number, count=size
    )
    counts = call("segment_sum", backend.full((n,), 1, "int32"), number, count=size)
    there = greater(counts, 0)
    values = where(
        there, take(ordered, starts), cast(backend.asarray(fill), backend.dtype(ordered))
    )
    index = where(there, take(order, starts), 1)
    inverse = call("scatter_update", backend.full((n,), 0, "int32"), expand_dims(order, -1), number)
    return values, index, reshape(inverse, shape), counts


@op
def histogram(
    x: TensorLike, bins: int | TensorLike = 10, range: tuple[float, float] | None = None
) -> tuple[Tensor, Tensor]:
    """(int32 counts (bins,), edges (bins + 1,)) of x (n,) in equal bins between the two numbers of
    `range`, by default x's extremes.

    The last bin contains its right edge; elements outside of `range` are not counted. Without
    gradient.

    Examples:
        >>> counts, edges = unidl.ops.histogram([1.0, 2.0, 2.5, 4.0], bins=3)
        >>> counts, edges
        (array([1, 2, 1], dtype=int32), array([1., 2., 3., 4.], dtype=float32))
    """
    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"histogram: bins must be an int of at least 1, got {bins!r}.")
    if range is not None and not (
        isinstance(range, (tuple, list)) and len(range) == 2 and range[0] <= range[1]
    ):
        raise ValueError(f"histogram: range must be (lowest, highest), got {range!r}.")
    backend, x = tensor_of(x)
    x = backend.stop_gradient(x)
    if len(backend.shape(x)) != 1:
        raise ValueError(
            f"histogram: x must have one axis, got the shape {tuple(backend.shape(x))}. Flatten it "
            "with ops.ravel."
        )
    if not dtypes.is_float(backend.dtype(x)):
        x = backend.cast(x, dtypes.floatx())
    edges = _edges(backend, x, bins, range)
    low, high = (
        call("getitem", edges, key=(slice(0, -1),)),
        call("getitem", edges, key=(slice(1, None),)),
    )
    wide = expand_dims(x, -1)
    in_last = logical_and(np.arange(bins) == bins - 1, equal(wide, high))
    inside = logical_and(greater_equal(wide, low), logical_or(less(wide, high), in_last))
    return sum_(cast(inside, "int32"), 0), edges


def _edges(backend: Any, x: TensorLike, bins: Any, range: Any) -> Any:
    dtype, shares = backend.dtype(x), np.arange(bins + 1) / bins
    if range is None and backend.shape(x)[0] == 0:
        range = (0.0, 1.0)
    if range is not None:
        low, high = (float(r) for r in range)
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        return backend.asarray(np.linspace(low, high, bins + 1), dtype)
    low, high = min_(x), max_(x)
    same = equal(low, high)
    low, high = where(same, subtract(low, 0.5), low), where(same, add(high, 0.5), high)
    edges = add(low, multiply(subtract(high, low), backend.asarray(shares, dtype)))
    return where(shares == 1.0, high, edges)

"""Lookups, choices, scatters, sorting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import (
    NUMBERS,
    backend_of,
    call,
    call_promoted,
    convert,
    explain,
    op,
    prepare,
    promote,
    run,
    tensor_of,
    to_bool,
)
from unidl.ops.index_checks import check_along, check_indices, integers
from unidl.ops.shaping import ravel
from unidl.tracing.shapes.arithmetic import check_shape, one_axis, one_int, shapes_agree
from unidl.typing import Shape, Tensor, TensorLike


@op
def get_item(x: TensorLike, key: Any) -> Tensor:
    """x[key] for ints, slices, None and Ellipsis, or one tensor (list, array) of integers for the
    first axis.

    Boolean masks are refused, since the result's shape would depend on values: use `where`.

    Examples:
        >>> x = np.arange(12).reshape(3, 4)
        >>> unidl.ops.get_item(x, (slice(None), -1))
        array([ 3,  7, 11])
    """
    if isinstance(key, tuple):
        if any(isinstance(k, (list, np.ndarray)) for k in key):
            raise TypeError(
                "get_item: only one index array, for the first axis, is supported. Use take or "
                "take_along_axis."
            )
        return call("getitem", x, key=key)
    if isinstance(key, (int, slice, type(None), type(Ellipsis), np.integer)):
        return call("getitem", x, key=(key,))
    if type(key) is list and not key:
        return take(x, key, axis=0)
    backend, indices = tensor_of(key)
    if backend.dtype(indices) == "bool":
        raise TypeError(
            "get_item: a boolean mask gives a shape that depends on values. Use where(mask, x, 0), "
            "or NumPy on the host."
        )
    return take(x, indices, axis=0)


@op
def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """Slices of x along `axis` (of the flattened x without one) by integers of any shape; negative
    ones count from the end.

    Examples:
        >>> x = np.array([[1, 2, 3], [4, 5, 6]])
        >>> unidl.ops.take(x, [0, 5])  # of the flat tensor
        array([1, 6])
        >>> unidl.ops.take(x, [2, 0], axis=1)
        array([[3, 1],
               [6, 4]])
    """
    indices = integers("take", indices)
    if axis is None:
        x, axis = ravel(x), 0
    check_along("take", indices, shape_of(x), axis)
    return call("take", x, indices, axis=axis)


@op
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """Elements of x by `indices` of x's rank: out[i][j] = x[indices[i][j]][j] for axis 0; both
    flattened without an axis.

    Examples:
        >>> x = np.array([[30, 10, 20]])
        >>> unidl.ops.take_along_axis(x, unidl.ops.argsort(x), axis=-1)
        array([[10, 20, 30]])
    """
    indices = integers("take_along_axis", indices)
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    shape = shape_of(x)
    axis = one_axis("take_along_axis", axis, len(shape), shape)
    check_along("take_along_axis", indices, shape, axis)
    return along_axis(x, indices, axis)


def along_axis(x: TensorLike, indices: TensorLike, axis: int) -> Tensor:
    """`take_along_axis` by indices that are known to be right."""
    backend = backend_of([x, indices])
    x, indices = (backend.asarray(convert(backend, t)) for t in (x, indices))
    if backend.dtype(indices) in dtypes.SIGNED and -len(backend.shape(x)) <= axis < len(
        backend.shape(x)
    ):
        size = backend.shape(x)[axis]
        if size is not None:
            indices = backend.where(backend.less(indices, 0), backend.add(indices, size), indices)
    return run(backend, "take_along_axis", [x, indices], {"axis": axis})


@op
def where(
    condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None
) -> Tensor:
    """x1 where `condition` is true (not 0), else x2; all broadcast. The gradient goes to the choice
    taken alone.

    Examples:
        >>> x = np.array([-1.0, 2.0])
        >>> unidl.ops.where(x > 0, x, 0.0)
        array([0., 2.])
        >>> unidl.ops.where([True, False], [[1], [2]], 0)  # shapes broadcast
        array([[1, 0],
               [2, 0]], dtype=int32)
    """
    if x1 is None or x2 is None:
        raise ValueError(
            "where: give both x1 and x2. The positions alone (np.nonzero) have a shape that "
            "depends on values."
        )
    backend, (condition, x1, x2) = prepare((condition, x1, x2))
    condition = to_bool(backend, backend.asarray(condition))
    x1, x2 = promote(backend, [x1, x2])
    # One of them may still be a number, which adopts the other's dtype.
    if type(x1) in NUMBERS:
        x1 = backend.asarray(x1, backend.dtype(x2))
    if type(x2) in NUMBERS:
        x2 = backend.asarray(x2, backend.dtype(x1))
    return run(backend, "where", [condition, x1, x2], {})


@op
def select(
    condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0
) -> Tensor:
    """The choice that belongs to the first true condition, `default` where none is.

    Examples:
        >>> x = np.array([-3.0, 1.0, 8.0])
        >>> unidl.ops.select([x < 0, x > 5], [-x, x * 10], default=0.0)
        array([ 3.,  0., 80.])
    """
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


# -- scatters --------------------------------------------------------------------------------------


@op
def scatter(indices: TensorLike, values: TensorLike, shape: Shape) -> Tensor:
    """Zeros of `shape` with `values` (m, *shape[k:]) added at integer `indices` (m, k).

    Examples:
        >>> unidl.ops.scatter([[0], [2], [2]], [1.0, 5.0, 7.0], (4,))  # what meets is added
        array([ 1.,  0., 12.,  0.], dtype=float32)
    """
    shape = check_shape("scatter", shape)
    indices = integers("scatter", indices)
    backend = backend_of([indices, values])
    _check_places("scatter", indices, shape)
    indices, values = (backend.asarray(convert(backend, t)) for t in (indices, values))
    zeros = backend.full(shape, 0, backend.dtype(values))
    return _scattered(backend, "scatter_add", zeros, *_rows(backend, indices, values))


@op
def scatter_update(
    inputs: TensorLike, indices: TensorLike, updates: TensorLike, reduction: str | None = None
) -> Tensor:
    """Copy of `inputs` with `updates` (m, *inputs.shape[k:]) put at integer `indices` (m, k).

    reduction: None to replace, "add", "max", "min" or "mul" to combine what is there with all
    updates of the same place.

    Examples:
        >>> unidl.ops.scatter_update(np.zeros((2, 2)), [[0, 1], [1, 0]], [5.0, 7.0])
        array([[0., 5.],
               [7., 0.]])
        >>> unidl.ops.scatter_update(np.ones(3), [[0], [0]], [5.0, 7.0], reduction="add")
        array([13.,  1.,  1.])
    """
    if reduction not in (None, "add", *_COMBINED):
        raise ValueError(
            'scatter_update: reduction must be None, "add", "max", "min" or "mul", got '
            f"{reduction!r}."
        )
    indices = integers("scatter_update", indices)
    backend = backend_of([inputs, indices, updates])
    _check_places("scatter_update", indices, shape_of(inputs))
    inputs, indices, updates = (
        backend.asarray(convert(backend, t)) for t in (inputs, indices, updates)
    )
    dtype = backend.dtype(inputs)
    updates = updates if backend.dtype(updates) == dtype else backend.cast(updates, dtype)
    indices, updates = _rows(backend, indices, updates)
    if reduction in _COMBINED:
        _check_scatter(backend, inputs, indices, updates)
        return _combined(backend, reduction, inputs, indices, updates)
    name = "scatter_add" if reduction == "add" else "scatter_update"
    return _scattered(backend, name, inputs, indices, updates)


def _check_places(name: str, indices: TensorLike, shape: Any) -> None:
    """An error unless each row of `indices` (..., k) is a position on the first k axes of
    `shape`."""
    places = shape_of(indices)
    if not places or type(places[-1]) is not int or places[-1] > len(shape):
        return  # which the shape rule tells
    for axis in range(places[-1]):
        column = indices
        if isinstance(indices, np.ndarray):
            column = indices[..., axis]
        elif places[-1] > 1:
            column = call("getitem", indices, key=(Ellipsis, axis))
        check_along(name, column, shape, axis, negative=False)


def _scattered(backend: Any, name: str, x: Any, indices: Any, updates: Any) -> Any:
    _check_scatter(backend, x, indices, updates)
    return run(backend, name, [x, indices, updates], {})


def _check_scatter(backend: Any, x: Any, indices: Any, updates: Any) -> None:
    """The shape rule's errors: frameworks would broadcast updates, or read beyond them."""
    error = None if backend.absorbs else explain("scatter_update", [x, indices, updates], {})
    if error is not None:
        raise error


_COMBINED = {
    "max": ("segment_max", "maximum"),
    "min": ("segment_min", "minimum"),
    "mul": ("segment_prod", "multiply"),
}


def _combined(
    backend: Any, reduction: Any, inputs: TensorLike, indices: TensorLike, updates: TensorLike
) -> Any:
    """Each place of `inputs` as a segment, to which its updates belong."""
    by_segment, pair = _COMBINED[reduction]
    shape, k = backend.shape(inputs), backend.shape(indices)[-1]
    strides = [math.prod(shape[i + 1 : k]) for i in range(k)]
    ids = backend.sum(
        backend.multiply(indices, backend.asarray(np.array(strides), backend.dtype(indices))), -1
    )
    combined = run(backend, by_segment, [updates, ids], {"count": math.prod(shape[:k])})
    return call(pair, inputs, backend.reshape(combined, shape))


def _rows(backend: Any, indices: TensorLike, updates: TensorLike) -> Any:
    """Indices (..., k) and updates (..., *rest) with the leading axes made one."""
    shape = backend.shape(indices)
    if len(shape) <= 2 or None in shape:
        return indices, updates
    k, rest = shape[-1], backend.shape(updates)[len(shape) - 1 :]
    return backend.reshape(indices, (-1, k)), backend.reshape(updates, (-1, *rest))


# -- order -----------------------------------------------------------------------------------------


@op
def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """Ascending along `axis`, NaN last; flattened first if it is None.

    Examples:
        >>> unidl.ops.sort([[3, 1, 2], [9, 7, 8]])
        array([[1, 2, 3],
               [7, 8, 9]], dtype=int32)
    """
    return call("sort", ravel(x), axis=0) if axis is None else call("sort", x, axis=axis)


@op
def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """int32 indices that sort x along `axis`, equals in their order; flattened first if it is
    None.

    Examples:
        >>> unidl.ops.argsort([30, 10, 20])
        array([1, 2, 0], dtype=int32)
    """
    return call("argsort", ravel(x), axis=0) if axis is None else call("argsort", x, axis=axis)


@op
def top_k(x: TensorLike, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """(values, int32 indices) of the k largest along the last axis, largest first, of equals the
    first.

    Examples:
        >>> values, indices = unidl.ops.top_k([5.0, 1.0, 9.0, 7.0], k=2)
        >>> values, indices
        (array([9., 7.], dtype=float32), array([2, 3], dtype=int32))
    """
    backend, x = tensor_of(x)
    size = (*backend.shape(x)[-1:], None)[0]
    k = one_int("top_k", "k", k)
    if size is not None and not 0 <= k <= size:
        raise ValueError(
            f"top_k: k = {k} of the last axis of the shape {tuple(backend.shape(x))}; k must be "
            f"between 0 and {size}."
        )
    return call("top_k", x, k=k)


@op
def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Tensor:
    """Whether class `targets` (n,) is among the k largest of `predictions` (n, classes); ties count
    as in. Bool (n,).

    Examples:
        >>> predictions = [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]]
        >>> unidl.ops.in_top_k([2, 0], predictions, k=2)
        array([ True, False])
    """
    targets = integers("in_top_k", targets, "targets")
    if (k := one_int("in_top_k", "k", k)) < 1:
        raise ValueError(f"in_top_k: k must be at least 1, got {k}.")
    backend = backend_of([predictions, targets])
    own, classes = shape_of(targets), shape_of(predictions)
    if len(classes) != 2 or not shapes_agree(own, classes[:1]):
        raise ValueError(
            f"in_top_k: expected targets (n,) and predictions (n, classes), got the shapes {own} "
            f"and {classes}."
        )
    check_indices("in_top_k", targets, 0, classes[1], f"{classes[1]} classes", "class")
    predictions, targets = (backend.asarray(convert(backend, t)) for t in (predictions, targets))
    own = along_axis(predictions, backend.expand_dims(targets, -1), -1)
    better = backend.sum(backend.cast(call_promoted("greater", predictions, own), "int32"), -1)
    finite = backend.squeeze(backend.isfinite(own), -1)
    return backend.logical_and(backend.less(better, k), finite)


@op
def searchsorted(sorted_sequence: TensorLike, values: TensorLike, side: str = "left") -> Tensor:
    """int32 places of `values` in the ascending 1-D `sorted_sequence`, before ("left") or after
    ("right") equals.

    Examples:
        >>> unidl.ops.searchsorted([1, 3, 5], [3, 4])
        array([1, 2], dtype=int32)
        >>> unidl.ops.searchsorted([1, 3, 5], [3, 4], side="right")
        array([2, 2], dtype=int32)
    """
    if side not in ("left", "right"):
        raise ValueError(f'searchsorted: side must be "left" or "right", got {side!r}.')
    backend = backend_of([sorted_sequence, values])
    values = backend.expand_dims(backend.asarray(convert(backend, values)), -1)
    smaller = call_promoted("less" if side == "left" else "less_equal", sorted_sequence, values)
    return backend.sum(backend.cast(smaller, "int32"), -1)


@op
def digitize(x: TensorLike, bins: int | TensorLike) -> Tensor:
    """int32 number of the bin, between ascending edges `bins`, that x falls in: 0 below the first
    edge.

    Examples:
        >>> unidl.ops.digitize([0.5, 1.0, 9.0], bins=[0.0, 1.0, 2.0])
        array([1, 2, 3], dtype=int32)
    """
    return searchsorted(bins, x, side="right")


@op
def bincount(
    x: TensorLike,
    weights: TensorLike | None = None,
    minlength: int = 0,
    sparse: bool | None = False,
) -> Tensor:
    """How often each of 0 ... max(x) occurs in integers x (n,), or the sum of its `weights`.

    The result has `minlength` entries at least; in a compiled function, where max(x) is unknown,
    give host data.

    Examples:
        >>> unidl.ops.bincount([1, 1, 3])
        array([0, 2, 0, 1], dtype=int32)
        >>> unidl.ops.bincount([1, 1, 3], weights=[0.5, 0.5, 2.0], minlength=6)
        array([0., 1., 0., 2., 0., 0.], dtype=float32)
    """
    if sparse:
        raise ValueError("bincount: sparse tensors are not supported. Leave out `sparse`.")
    x, minlength = integers("bincount", x, "x"), one_int("bincount", "minlength", minlength)
    if minlength < 0:
        raise ValueError(f"bincount: minlength must be at least 0, got {minlength}.")
    if len(shape_of(x)) != 1 or (weights is not None and shape_of(weights) != shape_of(x)):
        of_weights = "" if weights is None else f" and weights of the shape {shape_of(weights)}"
        raise ValueError(
            "bincount: expected x (n,) and weights of the same shape, got the shape "
            f"{shape_of(x)}{of_weights}."
        )
    check_indices("bincount", x, 0, 2**63, "counts, which start at 0", "the number")
    backend, x = tensor_of(x)
    largest = int(backend.to_numpy(backend.max(x))) + 1 if backend.shape(x)[0] else 0
    counts = backend.one_hot(
        x, max(largest, minlength), "int32" if weights is None else dtypes.floatx()
    )
    if weights is not None:
        counts = call_promoted(
            "multiply", counts, backend.expand_dims(backend.asarray(convert(backend, weights)), -1)
        )
    return backend.sum(counts, 0)


@op
def isin(
    x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element of x1 occurs in x2 (not, with `invert`).

    Examples:
        >>> unidl.ops.isin([[1, 2], [3, 4]], [2, 4, 6])
        array([[False,  True],
               [False,  True]])
    """
    backend = backend_of([x1, x2])
    x1, x2 = (backend.asarray(convert(backend, t)) for t in (x1, x2))
    found = backend.any(call_promoted("equal", backend.expand_dims(x1, -1), ravel(x2)), -1)
    return backend.logical_not(found) if invert else found


@op
def unravel_index(indices: TensorLike, shape: Shape) -> tuple[Tensor, ...]:
    """Positions along each axis of `shape` of flat `indices`: a tuple of integer tensors.

    Examples:
        >>> unidl.ops.unravel_index([0, 5], (2, 4))
        (array([0, 1], dtype=int32), array([0, 1], dtype=int32))
    """
    shape, indices = check_shape("unravel_index", shape), integers("unravel_index", indices)
    size = math.prod(shape)
    check_indices("unravel_index", indices, 0, size, f"the {size} elements of the shape {shape}")
    backend, rest = tensor_of(indices)
    positions = []
    for size in reversed(shape):
        positions.append(backend.mod(rest, size))
        rest = backend.floor_divide(rest, size)
    return tuple(reversed(positions))

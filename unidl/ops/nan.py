"""Reductions of what is not NaN. `axis`: None for all axes, an int, or a tuple of ints."""

from __future__ import annotations

from typing import Any

from unidl.backend import dtypes
from unidl.ops.creation import full_like
from unidl.ops.dispatch import call, call_bool, op, tensor_of
from unidl.ops.elementwise import (
    add,
    divide,
    floor,
    isnan,
    less,
    maximum,
    minimum,
    multiply,
    sqrt,
    square,
    subtract,
)
from unidl.ops.indexing import along_axis, sort, where
from unidl.ops.reductions import (
    METHODS,
    all,
    argmax,
    argmin,
    as_rows,
    axes_of,
    cumprod,
    cumsum,
    fractions,
    is_number,
    max,
    min,
    prod,
    sum,
)
from unidl.typing import Axis, DType, Tensor, TensorLike


@op
def nansum(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`sum` of what is not NaN.

    Examples:
        >>> unidl.ops.nansum([1.0, np.nan, 2.0])
        array(3., dtype=float32)
    """
    return sum(_nan_as(x, 0), axis, keepdims)


@op
def nanprod(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`prod` of what is not NaN.

    Examples:
        >>> unidl.ops.nanprod([2.0, np.nan, 3.0])
        array(6., dtype=float32)
    """
    return prod(_nan_as(x, 1), axis, keepdims)


@op
def nanmax(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`max` of what is not NaN, NaN if nothing else is there.

    Examples:
        >>> unidl.ops.nanmax([[1.0, np.nan], [5.0, 2.0]], axis=1)
        array([1., 5.], dtype=float32)
    """
    return _nan_if_empty(max(_nan_as(x, -float("inf")), axis, keepdims), x, axis, keepdims)


@op
def nanmin(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`min` of what is not NaN, NaN if nothing else is there.

    Examples:
        >>> unidl.ops.nanmin([[1.0, np.nan], [5.0, 2.0]], axis=1)
        array([1., 2.], dtype=float32)
    """
    return _nan_if_empty(min(_nan_as(x, float("inf")), axis, keepdims), x, axis, keepdims)


@op
def nanmean(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`mean` of what is not NaN.

    Examples:
        >>> unidl.ops.nanmean([1.0, np.nan, 3.0])  # of the two that are there
        array(2., dtype=float32)
    """
    return divide(nansum(x, axis, keepdims), _numbers(x, axis, keepdims))


@op
def nanvar(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`var` of what is not NaN.

    Examples:
        >>> unidl.ops.nanvar([1.0, np.nan, 5.0])
        array(4., dtype=float32)
    """
    distance = subtract(x, nanmean(x, axis, keepdims=True))
    return nanmean(square(distance), axis, keepdims)


@op
def nanstd(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`std` of what is not NaN.

    Examples:
        >>> unidl.ops.nanstd([1.0, np.nan, 5.0])
        array(2., dtype=float32)
    """
    return sqrt(nanvar(x, axis, keepdims))


@op
def nancumsum(x: TensorLike, axis: int | None = None, dtype: DType | None = None) -> Tensor:
    """`cumsum` with 0 for NaN.

    Examples:
        >>> unidl.ops.nancumsum([1.0, np.nan, 2.0])
        array([1., 1., 3.], dtype=float32)
    """
    return cumsum(_nan_as(x, 0), axis, dtype)


@op
def nancumprod(x: TensorLike, axis: int | None = None, dtype: DType | None = None) -> Tensor:
    """`cumprod` with 1 for NaN.

    Examples:
        >>> unidl.ops.nancumprod([2.0, np.nan, 3.0])
        array([2., 2., 6.], dtype=float32)
    """
    return cumprod(_nan_as(x, 1), axis, dtype)


@op
def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """int32 index of the first largest element that is not NaN, -1 if all are.

    Examples:
        >>> unidl.ops.nanargmax([np.nan, 3.0, 7.0])
        array(2, dtype=int32)
    """
    return _index(argmax, -float("inf"), x, axis, keepdims)


@op
def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """int32 index of the first smallest element that is not NaN, -1 if all are.

    Examples:
        >>> unidl.ops.nanargmin([np.nan, 3.0, 7.0])
        array(1, dtype=int32)
    """
    return _index(argmin, float("inf"), x, axis, keepdims)


def _index(function: Any, least: Any, x: TensorLike, axis: Any, keepdims: Any) -> Any:
    return where(all(isnan(x), axis, keepdims), -1, function(_nan_as(x, least), axis, keepdims))


# -- order statistics ------------------------------------------------------------------------------


@op
def nanquantile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`quantile` of what is not NaN, NaN where nothing else is there.

    Examples:
        >>> unidl.ops.nanquantile([1.0, np.nan, 3.0, 2.0], [0.0, 0.75])
        array([1. , 2.5], dtype=float32)
    """
    if method not in METHODS:
        raise ValueError(
            f"nanquantile: method must be one of {', '.join(METHODS)}, got {method!r}."
        )
    backend, rows, axes = as_rows("nanquantile", x, axis)
    ordered, dtype = sort(rows), backend.dtype(rows)
    count = call(
        "sum", backend.cast(call_bool("logical_not", isnan(rows)), dtype), axis=-1, keepdims=True
    )
    results = [
        _between(
            backend,
            ordered,
            multiply(maximum(subtract(count, 1.0), 0.0), float(one)),
            count,
            method,
        )
        for one in fractions(q)
    ]
    if keepdims:
        results = [backend.expand_dims(r, tuple(axes)) for r in results]
    return results[0] if is_number(q) else backend.stack(results, 0)


def _between(backend: Any, ordered: Any, place: Any, count: Any, method: Any) -> Any:
    """Element number `place` (..., 1), a float, of the sorted last axis."""
    low = call("round", place) if method == "nearest" else floor(place)
    share = {"linear": subtract(place, low), "lower": 0.0, "nearest": 0.0}.get(method)
    if share is None:
        between = call("greater", place, low)
        share = where(between, 1.0 if method == "higher" else 0.5, multiply(low, 0.0))
    high = minimum(add(low, 1.0), maximum(subtract(count, 1.0), 0.0))
    below, above = (along_axis(ordered, backend.cast(i, "int32"), -1) for i in (low, high))
    return backend.squeeze(add(below, multiply(subtract(above, below), share)), -1)


@op
def nanpercentile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`nanquantile` of q / 100.

    Examples:
        >>> unidl.ops.nanpercentile([1.0, np.nan, 3.0, 2.0], [0, 75])
        array([1. , 2.5], dtype=float32)
    """
    return nanquantile(
        x,
        float(q) / 100 if is_number(q) else [float(one) / 100 for one in fractions(q)],
        axis,
        method,
        keepdims,
    )


@op
def nanmedian(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`median` of what is not NaN, NaN where nothing else is there.

    Examples:
        >>> unidl.ops.nanmedian([1.0, np.nan, 3.0, 9.0])
        array(3., dtype=float32)
    """
    return nanquantile(x, 0.5, axis, "linear", keepdims)


# -- helpers ---------------------------------------------------------------------------------------


def _nan_as(x: TensorLike, value: Any) -> Any:
    backend, x = tensor_of(x)
    return where(isnan(x), full_like(x, value), x) if dtypes.is_float(backend.dtype(x)) else x


def _numbers(x: TensorLike, axis: Any, keepdims: Any) -> Any:
    """How many elements are not NaN, as floats."""
    backend, x = tensor_of(x)
    present = call_bool("logical_not", isnan(x))
    dtype = backend.dtype(x) if dtypes.is_float(backend.dtype(x)) else dtypes.floatx()
    return call("sum", backend.cast(present, dtype), axis=axes_of(axis), keepdims=keepdims)


def _nan_if_empty(result: Any, x: TensorLike, axis: Any, keepdims: Any) -> Any:
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        return result
    return where(less(_numbers(x, axis, keepdims), 1), full_like(result, float("nan")), result)

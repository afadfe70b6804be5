"""Reductions of what is not NaN. `axis`: None for all axes, an int, or a tuple of ints."""

from __future__ import annotations

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
from unidl.ops.indexing import sort, take_along_axis, where
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


@op
def nansum(x, axis=None, keepdims=False):
    """`sum` of what is not NaN."""
    return sum(_nan_as(x, 0), axis, keepdims)


@op
def nanprod(x, axis=None, keepdims=False):
    """`prod` of what is not NaN."""
    return prod(_nan_as(x, 1), axis, keepdims)


@op
def nanmax(x, axis=None, keepdims=False):
    """`max` of what is not NaN, NaN if nothing else is there."""
    return _nan_if_empty(max(_nan_as(x, -float("inf")), axis, keepdims), x, axis, keepdims)


@op
def nanmin(x, axis=None, keepdims=False):
    """`min` of what is not NaN, NaN if nothing else is there."""
    return _nan_if_empty(min(_nan_as(x, float("inf")), axis, keepdims), x, axis, keepdims)


@op
def nanmean(x, axis=None, keepdims=False):
    """`mean` of what is not NaN."""
    return divide(nansum(x, axis, keepdims), _numbers(x, axis, keepdims))


@op
def nanvar(x, axis=None, keepdims=False):
    """`var` of what is not NaN."""
    distance = subtract(x, nanmean(x, axis, keepdims=True))
    return nanmean(square(distance), axis, keepdims)


@op
def nanstd(x, axis=None, keepdims=False):
    """`std` of what is not NaN."""
    return sqrt(nanvar(x, axis, keepdims))


@op
def nancumsum(x, axis=None, dtype=None):
    """`cumsum` with 0 for NaN."""
    return cumsum(_nan_as(x, 0), axis, dtype)


@op
def nancumprod(x, axis=None, dtype=None):
    """`cumprod` with 1 for NaN."""
    return cumprod(_nan_as(x, 1), axis, dtype)


@op
def nanargmax(x, axis=None, keepdims=False):
    """int32 index of the first largest element that is not NaN, -1 if all are."""
    return _index(argmax, -float("inf"), x, axis, keepdims)


@op
def nanargmin(x, axis=None, keepdims=False):
    """int32 index of the first smallest element that is not NaN, -1 if all are."""
    return _index(argmin, float("inf"), x, axis, keepdims)


def _index(function, least, x, axis, keepdims):
    return where(all(isnan(x), axis, keepdims), -1, function(_nan_as(x, least), axis, keepdims))


# -- order statistics ------------------------------------------------------------------------------


@op
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` of what is not NaN, NaN where nothing else is there."""
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


def _between(backend, ordered, place, count, method):
    """Element number `place` (..., 1), a float, of the sorted last axis."""
    low = call("round", place) if method == "nearest" else floor(place)
    share = {"linear": subtract(place, low), "lower": 0.0, "nearest": 0.0}.get(method)
    if share is None:
        between = call("greater", place, low)
        share = where(between, 1.0 if method == "higher" else 0.5, multiply(low, 0.0))
    high = minimum(add(low, 1.0), maximum(subtract(count, 1.0), 0.0))
    below, above = (take_along_axis(ordered, backend.cast(i, "int32"), -1) for i in (low, high))
    return backend.squeeze(add(below, multiply(subtract(above, below), share)), -1)


@op
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """`nanquantile` of q / 100."""
    return nanquantile(
        x,
        float(q) / 100 if is_number(q) else [float(one) / 100 for one in fractions(q)],
        axis,
        method,
        keepdims,
    )


@op
def nanmedian(x, axis=None, keepdims=False):
    """`median` of what is not NaN, NaN where nothing else is there."""
    return nanquantile(x, 0.5, axis, "linear", keepdims)


# -- helpers ---------------------------------------------------------------------------------------


def _nan_as(x, value):
    backend, x = tensor_of(x)
    return where(isnan(x), full_like(x, value), x) if dtypes.is_float(backend.dtype(x)) else x


def _numbers(x, axis, keepdims):
    """How many elements are not NaN, as floats."""
    backend, x = tensor_of(x)
    present = call_bool("logical_not", isnan(x))
    dtype = backend.dtype(x) if dtypes.is_float(backend.dtype(x)) else dtypes.floatx()
    return call("sum", backend.cast(present, dtype), axis=axes_of(axis), keepdims=keepdims)


def _nan_if_empty(result, x, axis, keepdims):
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        return result
    return where(less(_numbers(x, axis, keepdims), 1), full_like(result, float("nan")), result)

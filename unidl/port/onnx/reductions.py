"""Reductions, positions of extremes, running sums."""

from __future__ import annotations

import math

import numpy as np

from unidl import ops
from unidl.backend import dtypes
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import as_, axes_of, ints


def _lowest(dtype):
    return (
        -math.inf
        if dtypes.is_float(dtype)
        else int(np.iinfo(dtype).min)
        if dtype != "bool"
        else False
    )


def _highest(dtype):
    return (
        math.inf
        if dtypes.is_float(dtype)
        else int(np.iinfo(dtype).max)
        if dtype != "bool"
        else True
    )


def _extreme(function, nothing):
    def reduce(x, axes, keepdims):
        """`nothing(dtype)` for the extreme of no elements."""
        shape = ops.shape(x)
        reduced = range(len(shape)) if axes is None else [a % len(shape) for a in axes]
        if all(shape[a] != 0 for a in reduced):
            return function(x, axes, keepdims)
        kept = [
            1 if a in reduced else n for a, n in enumerate(shape) if keepdims or a not in reduced
        ]
        return ops.full(kept, nothing(ops.dtype(x)), ops.dtype(x))

    return reduce


_largest = _extreme(ops.max, _lowest)


def _log_sum_exp(x, axes, keepdims):
    if ops.size(x):
        return ops.logsumexp(x, axes, keepdims)
    return ops.log(ops.sum(x, axes, keepdims))


_REDUCTIONS = {
    "ReduceL1": lambda x, axes, keepdims: ops.sum(ops.abs(x), axes, keepdims),
    "ReduceL2": lambda x, axes, keepdims: ops.sqrt(ops.sum(ops.square(x), axes, keepdims)),
    "ReduceLogSum": lambda x, axes, keepdims: ops.log(ops.sum(x, axes, keepdims)),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": _largest,
    "ReduceMean": ops.mean,
    "ReduceMin": _extreme(ops.min, _highest),
    "ReduceProd": ops.prod,
    "ReduceSum": ops.sum,
    "ReduceSumSquare": lambda x, axes, keepdims: ops.sum(ops.square(x), axes, keepdims),
}


@handles(*_REDUCTIONS)
def reduce(node, x, *rest):
    """Over all axes if none are given, unless `noop_with_empty_axes`: then each element is reduced
    by itself."""
    axes = axes_of(node, (x, *rest))
    if not axes:
        axes = () if node["noop_with_empty_axes"] else None
    if axes == ():
        x, axes = ops.expand_dims(x, -1), [-1]
        return as_(_REDUCTIONS[node.operator](x, (-1,), False), x)
    return as_(
        _REDUCTIONS[node.operator](
            x, axes if axes is None else tuple(axes), bool(node["keepdims"])
        ),
        x,
    )


@handles("ArgMax", "ArgMin")
def position(node, x):
    """The first of equals, with `select_last_index` the last."""
    function = ops.argmax if node.operator == "ArgMax" else ops.argmin
    axis, keepdims = node["axis"], bool(node["keepdims"])
    if node["select_last_index"]:
        found = ops.subtract(ops.shape(x)[axis] - 1, function(ops.flip(x, axis), axis, keepdims))
    else:
        found = function(x, axis, keepdims)
    return ops.cast(found, "int64")


@handles("CumSum", "CumProd")
def running(node, x, axis):
    function, first = (ops.cumsum, 0) if node.operator == "CumSum" else (ops.cumprod, 1)
    (axis,) = ints(axis)
    axis %= len(ops.shape(x))
    x = ops.flip(x, axis) if node["reverse"] else x
    y = function(x, axis, dtype=ops.dtype(x))
    if node["exclusive"]:
        before = (slice(None),) * axis
        start = ops.full_like(ops.get_item(x, (*before, slice(0, 1))), first)
        y = ops.concatenate([start, ops.get_item(y, (*before, slice(0, -1)))], axis)
    return ops.flip(y, axis) if node["reverse"] else y

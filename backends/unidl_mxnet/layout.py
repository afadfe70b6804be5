"""Layout planning while a graph is recorded: transposes move towards the outputs and meet their
inverses.

A traced tensor that came out of a transpose remembers from what. An operator that does not mind the
order of axes (elementwise ones, reductions) then works on that base, and its result is a transposed
tensor again; a transpose of a transposed tensor becomes one transpose, or none. What nobody reads
in the end is no part of the graph. So the channels-last tensors between two convolutions, which
MXNet computes channels-first, exist in name only.
"""

from __future__ import annotations

import math

# Results are computed element by element, from one tensor or from several of one shape.
_UNARY = (
    "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "negative", "abs", "square",
    "sign", "cast", "clip", "isnan", "isinf", "isfinite", "floor", "ceil", "around", "trunc",
    "logical_not",
)  # fmt: skip
_OF_NUMBER = (
    "add", "subtract", "rsubtract", "multiply", "true_divide", "rtrue_divide", "maximum", "minimum",
    "power", "rpower", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
)  # fmt: skip
_OLDER = (
    "relu", "LeakyReLU", "BlockGrad", "_np_copy", "rsqrt", "_contrib_sign_ste", "where",
    "_lesser_equal_scalar", "elemwise_add", "elemwise_mul", "_npx_sigmoid", "_npx_erf",
)  # fmt: skip
_ELEMENTWISE = {
    *_OLDER,
    *(f"_npi_{name}" for name in _UNARY),
    *(f"_npi_{name}_scalar" for name in _OF_NUMBER),
}
# The same, but smaller operands are broadcast.
_OF_TWO = (
    "add", "subtract", "multiply", "true_divide", "maximum", "minimum", "power", "equal",
    "not_equal", "less", "less_equal", "greater", "greater_equal", "where",
)  # fmt: skip
_BROADCASTING = {
    "broadcast_add",
    "broadcast_sub",
    "broadcast_mul",
    "broadcast_div",
    *(f"_npi_{name}" for name in _OF_TWO),
}
_REDUCTIONS = {"sum", "_npi_mean", "_np_sum", "_np_max", "_np_min"}


def kernel(shape, dtype):
    """The faster operator for a transpose: oneDNN's takes half to a sixth of the time, but not for
    small matrices."""
    onednn = (
        dtype == "float32"
        and 0 not in shape
        and len(shape) <= 6
        and (len(shape) > 2 or math.prod(shape) > 100_000)
    )
    return "transpose" if onednn else "_np_transpose"


def inverse(axes):
    """The permutation that undoes `axes`."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def transpose(op, x, axes):
    """`x` with its axes permuted, in one step from the tensor that `x` was transposed from."""
    if not _moves_nothing(x.shape, axes):
        x.lay(op, inverse(axes))
    base, before = x.origin or (x, tuple(range(len(axes))))
    axes = tuple(before[a] for a in axes)
    if axes == tuple(range(len(axes))):
        return base
    is_bool = base.dtype == "bool"  # no kernel moves bools
    x = op("_npi_cast", base, dtype="uint8") if is_bool else base
    if _moves_nothing(base.shape, axes):
        result = op("_np_reshape", x, newshape=tuple(base.shape[a] for a in axes))
    else:
        result = op(kernel(base.shape, x.dtype), x, axes=axes)
    result = op("_npi_cast", result, dtype="bool") if is_bool else result
    result.origin = base, axes
    return result


def _moves_nothing(shape, axes):
    """Whether only axes of size 1 move."""
    moved = [a for a in axes if shape[a] > 1]
    return moved == sorted(moved)


def aligned(op, tensors):
    """(tensors, axes): equally shaped tensors as those that become them when permuted by `axes`,
    None where none was transposed."""
    axes = next((x.origin[1] for x in tensors if x.origin), None)
    return (
        (tensors, None)
        if axes is None
        else ([transpose(op, x, inverse(axes)) for x in tensors], axes)
    )


def on_bases(op, name, inputs, attrs):
    """The operator's result by way of the tensors that `inputs` were transposed from; None where
    that is of no use."""
    if name in _REDUCTIONS:
        return _reduce(op, name, inputs[0], attrs)
    if name not in _ELEMENTWISE and name not in _BROADCASTING:
        return None
    axes = next((x.origin[1] for x in inputs if x.origin), None)
    if axes is None:
        return None
    bases = [_base(op, x, axes) for x in inputs]
    if any(base is None for base in bases):
        return None
    return transpose(op, op(name, *bases, **attrs), axes)


def _base(op, x, axes):
    """The tensor that, permuted by `axes`, is `x`; None where that takes moving data."""
    if len(x.shape) == len(axes) and not _moves_nothing(x.shape, axes):
        x.lay(op, axes)
    if x.origin:
        return x.origin[0] if x.origin[1] == axes else None
    if math.prod(x.shape) == 1:
        return x if len(x.shape) == 0 else op("_np_reshape", x, newshape=())
    shape = (1,) * (len(axes) - len(x.shape)) + x.shape
    if sum(d > 1 for d in shape) > 1 or len(shape) > len(axes):
        return None
    return op("_np_reshape", x, newshape=tuple(shape[a] for a in inverse(axes)))


def _reduce(op, name, x, attrs):
    """A reduction over axes of the base; where axes are dropped, the rest must be in the order that
    it has there."""
    if not x.origin or not isinstance(attrs.get("axis"), tuple):
        return None
    base, axes = x.origin
    gone = tuple(sorted(axes[a] for a in attrs["axis"]))
    if attrs.get("keepdims"):
        return transpose(op, op(name, base, **{**attrs, "axis": gone}), axes)
    rest = [axes[a] for a in range(len(axes)) if a not in attrs["axis"]]
    order = sorted(rest)
    result = op(name, base, **{**attrs, "axis": gone})
    return result if rest == order else transpose(op, result, tuple(order.index(a) for a in rest))


def with_bias(op, x, bias):
    """`x + bias` as one convolution, if `x` is the channels-last result of one without bias, and
    `bias` a vector; else None."""
    base, axes = getattr(x, "origin", None) or (None, ())
    if (
        base is None
        or base.node is None
        or base.node[0] != "Convolution"
        or base.node[2]["no_bias"] is not True
        or len(bias.shape) != 1
    ):
        return None
    if axes[-1] != 1 or x.shape[-1:] != bias.shape:
        return None
    name, inputs, attrs = base.node
    return transpose(op, op(name, *inputs, bias, **{**attrs, "no_bias": False}), axes)

"""Reductions over `axis`: None for all axes, an int, or a tuple of ints. `keepdims` leaves axes of
size 1."""

from __future__ import annotations

import builtins
import math
from typing import Any

from unidl.backend import dtypes
from unidl.ops.core import shape as shape_of
from unidl.ops.creation import ones_like
from unidl.ops.dispatch import call, call_bool, call_float, op, tensor_of
from unidl.ops.elementwise import add, divide, maximum, minimum, multiply, sqrt, subtract
from unidl.ops.indexing import sort
from unidl.ops.shaping import ravel
from unidl.tracing.shapes.arithmetic import one_axis, one_int, some_axes
from unidl.typing import Axis, DType, Tensor, TensorLike


@op
def sum(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Sum; bools and integers narrower than 32 bits are added in int32.

    Examples:
        >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> unidl.ops.sum(x)
        array(10.)
        >>> unidl.ops.sum(x, axis=0, keepdims=True)
        array([[4., 6.]])
    """
    return call("sum", _wide(x), axis=axes_of(axis), keepdims=keepdims)


@op
def mean(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean, of integers as `floatx`.

    Examples:
        >>> unidl.ops.mean([[1, 2], [3, 6]], axis=1)  # integers become floats
        array([1.5, 4.5], dtype=float32)
    """
    return call_float("mean", x, axis=axes_of(axis), keepdims=keepdims)


@op
def prod(
    x: TensorLike, axis: Axis | None = None, keepdims: bool = False, dtype: DType | None = None
) -> Tensor:
    """Product, in `dtype` if given; bools and integers narrower than 32 bits are multiplied in
    int32.

    Of a tuple of Python ints, such as `ops.shape(x)[:-1]`, it is a Python int, which can be a size
    in a compiled function too.

    Examples:
        >>> unidl.ops.prod([[1, 2], [3, 4]], axis=1)
        array([ 2, 12], dtype=int32)
    """
    if type(x) is tuple and x and dtype is None and builtins.all(isinstance(n, int) for n in x):
        return math.prod(x)
    return call("prod", _wide(x, dtype), axis=axes_of(axis), keepdims=keepdims)


@op
def max(
    x: TensorLike,
    axis: Axis | None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
) -> Tensor:
    """Largest element, at least `initial`; equal ones share the gradient.

    Examples:
        >>> unidl.ops.max([[1.0, 5.0], [7.0, 2.0]], axis=1)
        array([5., 7.], dtype=float32)
        >>> unidl.ops.max([1.0, 5.0], initial=10.0)
        array(10., dtype=float32)
    """
    return _extreme("max", maximum, x, axis, keepdims, initial)


@op
def min(
    x: TensorLike,
    axis: Axis | None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
) -> Tensor:
    """Smallest element, at most `initial`; equal ones share the gradient.

    Examples:
        >>> unidl.ops.min([[1.0, 5.0], [7.0, 2.0]], axis=1)
        array([1., 2.], dtype=float32)
        >>> unidl.ops.min([1.0, 5.0], initial=-3.0)
        array(-3., dtype=float32)
    """
    return _extreme("min", minimum, x, axis, keepdims, initial)


@op
def amax(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`max`.

    Examples:
        >>> unidl.ops.amax([[1.0, 5.0], [7.0, 2.0]], axis=(0, 1))
        array(7., dtype=float32)
    """
    return max(x, axis, keepdims)


@op
def amin(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`min`.

    Examples:
        >>> unidl.ops.amin([[1.0, 5.0], [7.0, 2.0]], axis=0)
        array([1., 2.], dtype=float32)
    """
    return min(x, axis, keepdims)


def _extreme(name: str, pair: Any, x: TensorLike, axis: Any, keepdims: Any, initial: Any) -> Any:
    backend, x = tensor_of(x)
    if backend.dtype(x) == "bool":
        return backend.cast(
            _extreme(name, pair, backend.cast(x, "int32"), axis, keepdims, initial), "bool"
        )
    if initial is None:
        return call(name, x, axis=axes_of(axis), keepdims=keepdims)
    if 0 in backend.shape(x):  # the sum of nothing is 0
        return add(call("sum", x, axis=axes_of(axis), keepdims=keepdims), initial)
    return pair(call(name, x, axis=axes_of(axis), keepdims=keepdims), initial)


@op
def any(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Whether any element is true (not 0); a bool tensor.

    Examples:
        >>> unidl.ops.any([[True, False], [False, False]], axis=1)
        array([ True, False])
    """
    return call_bool("any", x, axis=axes_of(axis), keepdims=keepdims)


@op
def all(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Whether all elements are true (not 0); a bool tensor.

    Examples:
        >>> unidl.ops.all([[True, True], [True, False]], axis=1)
        array([ True, False])
    """
    return call_bool("all", x, axis=axes_of(axis), keepdims=keepdims)


@op
def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """int32 index of the first largest element along `axis`, or in the flattened x.

    Examples:
        >>> unidl.ops.argmax([[1.0, 9.0, 9.0], [3.0, 2.0, 1.0]], axis=1)  # the first of equals
        array([1, 0], dtype=int32)
        >>> unidl.ops.argmax([[1.0, 2.0], [9.0, 4.0]])  # of the flat tensor
        array(2, dtype=int32)
    """
    return _index("argmax", x, axis, keepdims)


@op
def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """int32 index of the first smallest element along `axis`, or in the flattened x.

    Examples:
        >>> unidl.ops.argmin([[1.0, 9.0, 9.0], [3.0, 2.0, 1.0]], axis=1)
        array([0, 2], dtype=int32)
    """
    return _index("argmin", x, axis, keepdims)


def _index(name: str, x: TensorLike, axis: Any, keepdims: Any) -> Any:
    backend, x = tensor_of(x)
    if backend.dtype(x) == "bool":
        x = backend.cast(x, "int32")
    if axis is not None:
        return call(name, x, axis=axis, keepdims=keepdims)
    result = call(name, ravel(x), axis=0, keepdims=False)
    return backend.reshape(result, (1,) * len(backend.shape(x))) if keepdims else result


@op
def count_nonzero(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """int32 number of elements that are not 0.

    Examples:
        >>> unidl.ops.count_nonzero([[0, 1, 7], [3, 0, 0]], axis=1)
        array([2, 1], dtype=int32)
    """
    backend, x = tensor_of(x)
    x = x if backend.dtype(x) == "bool" else backend.cast(x, "bool")
    return call("sum", backend.cast(x, "int32"), axis=axes_of(axis))


@op
def var(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Mean squared distance from the mean (biased variance), in two passes.

    Examples:
        >>> unidl.ops.var([1.0, 3.0])  # divided by n, not by n - 1
        array(1., dtype=float32)
    """
    return call_float("var", x, axis=axes_of(axis), keepdims=keepdims)


@op
def std(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Square root of `var`.

    Examples:
        >>> unidl.ops.std([1.0, 5.0])
        array(2., dtype=float32)
    """
    return sqrt(var(x, axis, keepdims))


@op
def logsumexp(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) without overflow.

    Examples:
        >>> unidl.ops.logsumexp([1000.0, 1000.0])  # without overflow
        array(1000.6932, dtype=float32)
    """
    return call_float("logsumexp", x, axis=axes_of(axis), keepdims=keepdims)


@op
def ptp(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Largest minus smallest element.

    Examples:
        >>> unidl.ops.ptp([[1.0, 5.0], [7.0, 4.0]], axis=1)
        array([4., 3.], dtype=float32)
    """
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@op
def average(x: TensorLike, axis: Axis | None = None, weights: TensorLike | None = None) -> Tensor:
    """Mean, weighted by `weights` of x's shape, or (n,) along an int `axis`.

    Examples:
        >>> unidl.ops.average([1.0, 4.0], weights=[2.0, 1.0])
        array(2., dtype=float32)
    """
    if weights is None:
        return mean(x, axis)
    backend, x = tensor_of(x)
    shape, weights = backend.shape(x), backend.asarray(tensor_of(weights)[1])
    if len(backend.shape(weights)) == 1 and len(shape) > 1:
        if not isinstance(axis, int):
            raise ValueError(
                f"average: weights {backend.shape(weights)} for x {shape} need `axis`, the axis "
                "they belong to."
            )
        weights = backend.reshape(
            weights, tuple(-1 if i == axis % len(shape) else 1 for i in range(len(shape)))
        )
    weights = multiply(ones_like(x), weights)
    return divide(sum(multiply(x, weights), axis), sum(weights, axis))


# -- running sums and differences ------------------------------------------------------------------


@op
def cumsum(x: TensorLike, axis: int | None = None, dtype: DType | None = None) -> Tensor:
    """Running sum along `axis`, of the flattened x without one.

    Examples:
        >>> unidl.ops.cumsum([1, 2, 3])
        array([1, 3, 6], dtype=int32)
        >>> unidl.ops.cumsum([[1, 2], [3, 4]])  # flat without an axis
        array([ 1,  3,  6, 10], dtype=int32)
        >>> unidl.ops.cumsum([[1, 2], [3, 4]], axis=0)
        array([[1, 2],
               [4, 6]], dtype=int32)
    """
    return _running("cumsum", x, axis, dtype)


@op
def cumprod(x: TensorLike, axis: int | None = None, dtype: DType | None = None) -> Tensor:
    """Running product along `axis`, of the flattened x without one.

    Examples:
        >>> unidl.ops.cumprod([2.0, 3.0, 0.5])
        array([2., 6., 3.], dtype=float32)
    """
    return _running("cumprod", x, axis, dtype)


def _running(name: str, x: TensorLike, axis: Any, dtype: DType) -> Any:
    x = _wide(x, dtype)
    return call(name, ravel(x), axis=0) if axis is None else call(name, x, axis=axis)


@op
def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along `axis`, n times over.

    Examples:
        >>> unidl.ops.diff([1, 4, 9, 16])
        array([3, 5, 7], dtype=int32)
        >>> unidl.ops.diff([1, 4, 9, 16], n=2)
        array([2, 2], dtype=int32)
    """
    backend, a = tensor_of(a)
    shape = tuple(backend.shape(a))
    before = (slice(None),) * one_axis("diff", axis, len(shape), shape)
    if (n := one_int("diff", "n", n)) < 0:
        raise ValueError(f"diff: n must be at least 0, got {n}.")
    for _ in range(n):
        a = subtract(
            call("getitem", a, key=(*before, slice(1, None))),
            call("getitem", a, key=(*before, slice(None, -1))),
        )
    return a


@op
def trapezoid(
    y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1
) -> Tensor:
    """Integral along `axis` by trapezoids, at the places `x` or at distances `dx`.

    Examples:
        >>> unidl.ops.trapezoid([1.0, 2.0, 3.0], dx=2.0)
        array(8., dtype=float32)
    """
    backend, y = tensor_of(y)
    rank = len(backend.shape(y))
    before = (slice(None),) * (axis % rank)
    if x is not None:
        dx = diff(x, axis=axis if len(backend.shape(tensor_of(x)[1])) == rank else -1)
        if len(backend.shape(dx)) != rank:
            dx = backend.reshape(dx, tuple(-1 if i == axis % rank else 1 for i in range(rank)))
    heights = add(
        call("getitem", y, key=(*before, slice(1, None))),
        call("getitem", y, key=(*before, slice(None, -1))),
    )
    return divide(sum(multiply(heights, dx), axis), 2.0)


# -- order statistics ------------------------------------------------------------------------------

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op
def quantile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The value below which the fraction `q` (number or 1-D host array, whose axis comes first) of
    the elements lies.

    method: what to take between two elements: "linear", "lower", "higher", "midpoint" or "nearest".

    Examples:
        >>> unidl.ops.quantile([1.0, 2.0, 3.0, 4.0], [0.0, 0.5, 0.9])
        array([1. , 2.5, 3.7], dtype=float32)
        >>> unidl.ops.quantile([1.0, 2.0, 3.0, 4.0], 0.5, method="lower")
        array(2., dtype=float32)
    """
    if method not in METHODS:
        raise ValueError(f"quantile: method must be one of {', '.join(METHODS)}, got {method!r}.")
    backend, rows, axes = as_rows("quantile", x, axis)
    ordered, last = sort(rows), backend.shape(rows)[-1] - 1
    if last < 0:
        raise ValueError(
            f"quantile: the axes {axes} of the shape {shape_of(x)} are empty, so there is no "
            "quantile."
        )
    results = [_between(backend, ordered, float(one) * last, method) for one in fractions(q)]
    if keepdims:
        results = [backend.expand_dims(r, tuple(axes)) for r in results]
    return results[0] if is_number(q) else backend.stack(results, 0)


def as_rows(name: str, x: TensorLike, axis: Any) -> Any:
    """(backend, x as floats with the axes in `axis` joined to the last one, these axes)."""
    backend, x = tensor_of(x)
    x = x if dtypes.is_float(backend.dtype(x)) else backend.cast(x, dtypes.floatx())
    shape = backend.shape(x)
    axes = list(some_axes(name, axis, len(shape), tuple(shape)))
    kept = [a for a in range(len(shape)) if a not in axes]
    sizes = [shape[a] for a in axes]
    if None in sizes:
        raise ValueError(f"{name}: the axes {axes} of the shape {shape} must have known sizes.")
    moved = backend.transpose(x, (*kept, *axes))
    return (
        backend,
        backend.reshape(
            moved, (*(-1 if shape[a] is None else shape[a] for a in kept), math.prod(sizes))
        ),
        axes,
    )


def _between(backend: Any, ordered: Any, place: Any, method: Any) -> Any:
    """Element number `place`, a float, of the sorted last axis."""
    low = int(place // 1)
    share = place - low
    if method == "nearest":
        low, share = round(place), 0.0
    low_value = backend.getitem(ordered, (Ellipsis, low))
    if share == 0.0 or method == "lower":
        return low_value
    high_value = backend.getitem(ordered, (Ellipsis, low + 1))
    share = {"linear": share, "higher": 1.0, "midpoint": 0.5}[method]
    return add(low_value, multiply(subtract(high_value, low_value), share))


@op
def percentile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`quantile` of q / 100.

    Examples:
        >>> unidl.ops.percentile([1.0, 2.0, 3.0, 4.0], [0, 50, 90])
        array([1. , 2.5, 3.7], dtype=float32)
    """
    return quantile(
        x,
        float(q) / 100 if is_number(q) else [float(one) / 100 for one in fractions(q)],
        axis,
        method,
        keepdims,
    )


@op
def median(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The middle element, the mean of the two middle ones for an even number.

    Examples:
        >>> unidl.ops.median([[1.0, 9.0, 3.0], [4.0, 4.0, 8.0]], axis=1)
        array([3., 4.], dtype=float32)
    """
    return quantile(x, 0.5, axis, "linear", keepdims)


def is_number(q: Any) -> bool:
    return not getattr(q, "shape", None) and not isinstance(q, (list, tuple))


def fractions(q: Any) -> Any:
    return [q] if is_number(q) else list(q)


# -- helpers ---------------------------------------------------------------------------------------


def axes_of(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _wide(x: TensorLike, dtype: DType | None = None) -> Any:
    """x in `dtype`; without one, bools and narrow integers in int32, which no sum of few elements
    overflows."""
    backend, x = tensor_of(x)
    if dtype is None and backend.dtype(x) not in ("bool", "int8", "int16", "uint8", "uint16"):
        return x
    return backend.cast(x, dtypes.standardize_dtype(dtype or "int32"))

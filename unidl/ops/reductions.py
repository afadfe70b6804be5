"""Reductions; `axis` is an int, several, or None for all."""

from __future__ import annotations

from unidl.ops.core import cast, dtype
from unidl.ops.dispatch import call, call_float, op
from unidl.ops.elementwise import maximum, minimum, not_equal


def _axes(axis):
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


@op
def sum(x, axis=None, keepdims=False):
    """Sum; bools count as int32."""
    return call("sum", cast(x, "int32") if dtype(x) == "bool" else x, axis=_axes(axis), keepdims=keepdims)


@op
def prod(x, axis=None, keepdims=False):
    """Product."""
    return call("prod", cast(x, "int32") if dtype(x) == "bool" else x, axis=_axes(axis), keepdims=keepdims)


@op
def mean(x, axis=None, keepdims=False):
    """Mean, as a float."""
    return call_float("mean", x, axis=_axes(axis), keepdims=keepdims)


@op
def var(x, axis=None, keepdims=False):
    """Biased variance, in two passes."""
    return call_float("var", x, axis=_axes(axis), keepdims=keepdims)


@op
def std(x, axis=None, keepdims=False):
    """Square root of the biased variance."""
    return call_float("sqrt", call_float("var", x, axis=_axes(axis), keepdims=keepdims))


@op
def max(x, axis=None, keepdims=False, initial=None):
    """Largest element; equal ones share the gradient."""
    found = call("max", x, axis=_axes(axis), keepdims=keepdims)
    return found if initial is None else maximum(found, initial)


@op
def min(x, axis=None, keepdims=False, initial=None):
    """Smallest element; equal ones share the gradient."""
    found = call("min", x, axis=_axes(axis), keepdims=keepdims)
    return found if initial is None else minimum(found, initial)


amax, amin = max, min


@op
def any(x, axis=None, keepdims=False):
    """Whether any element is True (not zero)."""
    return call("any", cast(x, "bool"), axis=_axes(axis), keepdims=keepdims)


@op
def all(x, axis=None, keepdims=False):
    """Whether all elements are True (not zero)."""
    return call("all", cast(x, "bool"), axis=_axes(axis), keepdims=keepdims)


@op
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow."""
    return call_float("logsumexp", x, axis=_axes(axis), keepdims=keepdims)


@op
def count_nonzero(x, axis=None):
    """Number of elements that are not zero, int32."""
    return sum(not_equal(x, 0), axis=axis)


@op
def cumsum(x, axis=None):
    """Running sum along `axis`, or of the flat tensor."""
    return _running("cumsum", x, axis)


@op
def cumprod(x, axis=None):
    """Running product along `axis`, or of the flat tensor."""
    return _running("cumprod", x, axis)


def _running(name, x, axis):
    if axis is None:
        x, axis = call("reshape", x, shape=(-1,)), 0
    return call(name, x, axis=axis)

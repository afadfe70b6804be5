"""Picking elements, and order."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import call, op
from unidl.ops.elementwise import add, greater, less
from unidl.ops.reductions import sum
from unidl.ops.shaping import moveaxis, where


@op
def get_item(x, key):
    """x[key], for ints, slices, None and Ellipsis; an integer tensor as the only key picks along the first axis."""
    if not isinstance(key, int | slice | tuple | type(None) | type(Ellipsis)):
        return take(x, key, axis=0)
    return call("getitem", x, key=key if isinstance(key, tuple) else (key,))


@op
def take(x, indices, axis=None):
    """Slices along `axis` by integers of any shape; of the flat tensor without an axis. Negative ones count from the end."""
    if axis is None:
        x, axis = call("reshape", x, shape=(-1,)), 0
    return call("take", x, indices, axis=axis)


@op
def take_along_axis(x, indices, axis=None):
    """For each position the element whose place along `axis` stands in `indices`, which has x's rank."""
    if axis is None:
        x, indices, axis = call("reshape", x, shape=(-1,)), call("reshape", indices, shape=(-1,)), 0
    size = shape_of(x)[axis]
    if size is not None:
        indices = where(less(indices, 0), add(indices, size), indices)
    return call("take_along_axis", x, indices, axis=axis)


@op
def sort(x, axis=-1):
    """Ascending along `axis`."""
    return call("sort", x, axis=axis)


@op
def argsort(x, axis=-1):
    """int32 places of a stable ascending sort."""
    return call("argsort", x, axis=axis)


@op
def top_k(x, k, sorted=True):
    """(values, int32 indices) of the k largest along the last axis, in descending order."""
    return call("top_k", x, k=k)


@op
def in_top_k(targets, predictions, k):
    """Whether the class targets (n,) are among the k largest of predictions (n, classes): bool (n,)."""
    wanted = call("take_along_axis", predictions, call("expand_dims", targets, axis=-1), axis=-1)
    return less(sum(greater(predictions, wanted), axis=-1), k)


@op
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """(...,) integers -> (..., num_classes) with a 1 at each; the new axis may stand elsewhere."""
    if sparse:
        raise ValueError("one_hot: sparse tensors are not offered; use sparse=False.")
    result = call("one_hot", x, num_classes=num_classes, dtype=dtypes.standardize_dtype(dtype))
    if axis in (-1, len(shape_of(x))):
        return result
    return moveaxis(result, -1, axis)


@op
def argmax(x, axis=None, keepdims=False):
    """int32 place of the first largest element along `axis`, or in the flat tensor."""
    return _extreme("argmax", x, axis, keepdims)


@op
def argmin(x, axis=None, keepdims=False):
    """int32 place of the first smallest element along `axis`, or in the flat tensor."""
    return _extreme("argmin", x, axis, keepdims)


def _extreme(name, x, axis, keepdims):
    if axis is not None:
        return call(name, x, axis=axis, keepdims=keepdims)
    found = call(name, call("reshape", x, shape=(-1,)), axis=0, keepdims=False)
    return call("reshape", found, shape=(1,) * len(shape_of(x))) if keepdims else found

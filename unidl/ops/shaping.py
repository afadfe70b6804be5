"""Shapes: reshape, transpose, join, cut, repeat."""

from __future__ import annotations

import math

from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import call, call_promoted, call_sequence, op


def _axes(axis):
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


@op
def reshape(x, newshape):
    """The same elements in another shape; one size may be -1 (or None)."""
    newshape = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    return call("reshape", x, shape=tuple(-1 if s is None else s for s in newshape))


@op
def transpose(x, axes=None):
    """Axes in another order, reversed by default."""
    rank = len(shape_of(x))
    return call("transpose", x, axes=tuple(range(rank))[::-1] if axes is None else tuple(a % rank for a in axes))


@op
def swapaxes(x, axis1, axis2):
    """Exchange two axes."""
    axes = list(range(len(shape_of(x))))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return call("transpose", x, axes=tuple(axes))


@op
def moveaxis(x, source, destination):
    """Move axes (an int or several) to new places."""
    rank = len(shape_of(x))
    source, destination = ([a % rank for a in ([axis] if isinstance(axis, int) else axis)] for axis in (source, destination))
    order = [a for a in range(rank) if a not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return call("transpose", x, axes=tuple(order))


@op
def broadcast_to(x, shape):
    """`x` repeated along axes of size 1 to have `shape`."""
    return call("broadcast_to", x, shape=tuple(shape))


@op
def expand_dims(x, axis):
    """New axes of size 1 at `axis`, an int or several, places in the result."""
    return call("expand_dims", x, axis=_axes(axis))


@op
def squeeze(x, axis=None):
    """Without the axes of size 1: those given, or all."""
    if axis is None:
        axis = tuple(i for i, n in enumerate(shape_of(x)) if n == 1)
    return call("squeeze", x, axis=_axes(axis))


@op
def concatenate(xs, axis=0):
    """Join tensors along an existing axis."""
    return call_sequence("concatenate", list(xs), axis=axis)


@op
def stack(x, axis=0):
    """Join tensors along a new axis."""
    return call_sequence("stack", list(x), axis=axis)


@op
def split(x, indices_or_sections, axis=0):
    """List of equal parts, or of the parts between the given indices."""
    sections = indices_or_sections
    return call("split", x, indices_or_sections=sections if isinstance(sections, int) else tuple(sections), axis=axis)


@op
def flip(x, axis=None):
    """Reverse the order along `axis`, an int, several, or all."""
    return call("flip", x, axis=tuple(range(len(shape_of(x)))) if axis is None else _axes(axis))


@op
def roll(x, shift, axis=None):
    """Elements moved by `shift` places along `axis`, what leaves at the end comes in at the beginning."""
    if axis is None:
        size = shape_of(x)
        return reshape(roll(reshape(x, (-1,)), shift, 0), size)
    n = shape_of(x)[axis]
    cut = (n - shift % n) % n if n else 0
    parts = call("split", x, indices_or_sections=(cut,), axis=axis)
    return call_sequence("concatenate", parts[::-1], axis=axis)


@op
def tile(x, repeats):
    """`x` side by side, `repeats` times along each axis (aligned from the right)."""
    repeats = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    rank = len(shape_of(x))
    if len(repeats) > rank:
        x = call("expand_dims", x, axis=tuple(range(len(repeats) - rank)))
    return call("tile", x, repeats=(1,) * (rank - len(repeats)) + repeats)


@op
def repeat(x, repeats, axis=None):
    """Each element `repeats` (one int) times along `axis`; without an axis of the flat tensor."""
    if axis is None:
        x, axis = call("reshape", x, shape=(-1,)), 0
    return call("repeat", x, repeats=repeats, axis=axis)


@op
def pad(x, pad_width, mode="constant", constant_values=None):
    """Add elements around: `pad_width` is an int, a pair, or a pair for each axis.

    `mode` is "constant" (with `constant_values`, 0 by default), "reflect", "symmetric" or "edge".
    """
    rank = len(shape_of(x))
    if isinstance(pad_width, int):
        pad_width = ((pad_width, pad_width),) * rank
    elif pad_width and isinstance(pad_width[0], int):
        pad_width = (tuple(pad_width),) * rank
    pairs = tuple(tuple(p) for p in pad_width)
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if mode != "constant" and constant_values is not None:
        raise ValueError(f'pad: constant_values goes with mode="constant", got mode={mode!r}.')
    return call("pad", x, pad_width=pairs, mode=mode, constant_values=0 if constant_values is None else constant_values)


@op
def ravel(x):
    """All elements in one axis."""
    return call("reshape", x, shape=(-1,))


@op
def where(condition, x1=None, x2=None):
    """x1 where the bool `condition` holds, else x2; the gradient is that of the branch taken."""
    if x1 is None or x2 is None:
        raise ValueError("where: give both values, where(condition, x1, x2). Indices of True depend on values, which a compiled step cannot shape.")
    from unidl.ops.core import cast
    from unidl.ops.dispatch import NUMBERS, backend_of, convert, promote, run

    backend = backend_of((condition, x1, x2))
    condition = cast(convert(backend, condition), "bool")
    x1, x2 = promote(backend, [convert(backend, x) for x in (x1, x2)])
    kinds = [backend.dtype(x) for x in (x1, x2) if type(x) not in NUMBERS]
    x1, x2 = (backend.asarray(x, kinds[0]) if type(x) in NUMBERS else x for x in (x1, x2))
    return run(backend, "where", [condition, x1, x2], {})


def size(x):
    """Number of elements, None with an open axis."""
    found = shape_of(x)
    return None if None in found else math.prod(found)


def ndim(x):
    """Number of axes."""
    return len(shape_of(x))


@op
def vstack(xs):
    """Join along the first axis, 1-D tensors as rows."""
    return call_sequence("concatenate", [expand_dims(x, 0) if ndim(x) == 1 else x for x in xs], axis=0)


@op
def hstack(xs):
    """Join along the second axis, 1-D tensors along their only one."""
    return call_sequence("concatenate", list(xs), axis=0 if ndim(xs[0]) == 1 else 1)


@op
def outer(x1, x2):
    """All products of the elements of two tensors: (n, m)."""
    return call_promoted("multiply", call("reshape", x1, shape=(-1, 1)), call("reshape", x2, shape=(1, -1)))

"""Functions that give a tensor another shape or order of axes, and what the files beside ask of
shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.ops.dispatch import (
    call,
    known_sizes,
    op,
    sized,
    tensor_of,
)
from unidl.tracing.shapes.arithmetic import one_axis
from unidl.typing import Axis, Shape, Tensor, TensorLike


@op
def reshape(x: TensorLike, newshape: int | Shape) -> Tensor:
    """x's elements, in order, in another shape; one size may be -1.

    A None (an open axis, as `ops.shape` of a symbolic tensor gives it) stands for -1 if there is no
    other.

    Examples:
        >>> unidl.ops.reshape(np.arange(6), (3, 2))
        array([[0, 1],
               [2, 3],
               [4, 5]])
        >>> unidl.ops.reshape(np.arange(6), (2, -1)).shape
        (2, 3)
    """
    newshape = known_sizes(newshape)
    newshape = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    if None in newshape and -1 not in newshape and newshape.count(None) == 1:
        newshape = tuple(-1 if size is None else size for size in newshape)
    return call("reshape", x, shape=newshape)


@op
def ravel(x: TensorLike) -> Tensor:
    """All elements along one axis.

    Examples:
        >>> unidl.ops.ravel([[1, 2], [3, 4]])
        array([1, 2, 3, 4], dtype=int32)
    """
    return call("reshape", x, shape=(-1,))


@op
def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """Axes in the order `axes`, by default reversed.

    Examples:
        >>> unidl.ops.transpose([[1, 2, 3], [4, 5, 6]])
        array([[1, 4],
               [2, 5],
               [3, 6]], dtype=int32)
        >>> unidl.ops.transpose(np.ones((2, 3, 4)), axes=(0, 2, 1)).shape
        (2, 4, 3)
    """
    backend, x = tensor_of(x)
    axes = (
        tuple(range(len(backend.shape(x))))[::-1]
        if axes is None
        else positive_axes("transpose", axes, len(backend.shape(x)))
    )
    return call("transpose", x, axes=axes)


@op
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged.

    Examples:
        >>> unidl.ops.swapaxes(np.ones((2, 3, 4)), 0, 2).shape
        (4, 3, 2)
    """
    backend, x = tensor_of(x)
    order = list(range(len(backend.shape(x))))
    axis1, axis2 = positive_axes("swapaxes", (axis1, axis2), len(order))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return call("transpose", x, axes=tuple(order))


@op
def moveaxis(
    x: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]
) -> Tensor:
    """Axes `source` (an int or several) moved to the places `destination`; the others keep their
    order.

    Examples:
        >>> unidl.ops.moveaxis(np.ones((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    backend, x = tensor_of(x)
    rank = len(backend.shape(x))
    origins = positive_axes("moveaxis", source, rank)
    places = positive_axes("moveaxis", destination, rank)
    if len(origins) != len(places):
        raise ValueError(
            f"moveaxis: each source needs one destination, got {source} and {destination}."
        )
    order = [a for a in range(rank) if a not in origins]
    for place, axis in sorted(zip(places, origins, strict=True)):
        order.insert(place, axis)
    return call("transpose", x, axes=tuple(order))


@op
def broadcast_to(x: TensorLike, shape: int | Shape) -> Tensor:
    """x repeated along axes of size 1 to fill `shape`.

    Examples:
        >>> unidl.ops.broadcast_to([1, 2], (3, 2))
        array([[1, 2],
               [1, 2],
               [1, 2]], dtype=int32)
    """
    shape = known_sizes(shape)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size is not None and size < -1 for size in shape):
        raise ValueError(f"broadcast_to: sizes must be at least 0 (-1 keeps a size), got {shape}.")
    return call("broadcast_to", sized(x, shape), shape=shape)


@op
def expand_dims(x: TensorLike, axis: Axis) -> Tensor:
    """A new axis of size 1 at position `axis` of the result; several for a tuple.

    Examples:
        >>> unidl.ops.expand_dims(np.ones((2, 3)), 0).shape
        (1, 2, 3)
        >>> unidl.ops.expand_dims(np.ones((2, 3)), (0, -1)).shape
        (1, 2, 3, 1)
    """
    return call("expand_dims", x, axis=tuple(axis) if isinstance(axis, list) else axis)


@op
def squeeze(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """Without the axes of size 1, or without those in `axis`, an int or a tuple of ints.

    Examples:
        >>> unidl.ops.squeeze(np.ones((1, 3, 1))).shape
        (3,)
        >>> unidl.ops.squeeze(np.ones((1, 3, 1)), axis=0).shape
        (3, 1)
    """
    if axis is None:
        backend, x = tensor_of(x)
        axis = tuple(i for i, size in enumerate(backend.shape(x)) if size == 1)
        if not axis:
            return x
    return call("squeeze", x, axis=tuple(axis) if isinstance(axis, list) else axis)


def shape_of(x: TensorLike) -> Any:
    """The tuple of sizes of a tensor, or of what becomes one."""
    backend, x = tensor_of(x)
    return tuple(backend.shape(x))


def rank_of(x: TensorLike) -> int:
    """The number of its axes."""
    return len(shape_of(x))


def positive_axes(name: str, axes: Any, rank: Any) -> Any:
    """`axes` (an int or several) as a tuple of numbers in [0, rank)."""
    return tuple(
        one_axis(name, a, rank)
        for a in (axes if isinstance(axes, (tuple, list, range)) else (axes,))
    )

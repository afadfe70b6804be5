"""Functions that reorder, join, cut and repeat without changing a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unidl.backend.host_data import fitted
from unidl.ops.dispatch import (
    call,
    call_promoted,
    call_sequence,
    explain,
    known_sizes,
    op,
    sized,
    tensor_of,
)
from unidl.tracing.shapes.arithmetic import agree, one_axis, one_int
from unidl.tracing.sizes import is_open
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
        else _positive("transpose", axes, len(backend.shape(x)))
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
    axis1, axis2 = _positive("swapaxes", (axis1, axis2), len(order))
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
    origins = _positive("moveaxis", source, rank)
    places = _positive("moveaxis", destination, rank)
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


# -- joining ---------------------------------------------------------------------------------------


@op
def concatenate(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors joined along an existing axis; all other axes must be equal.

    Examples:
        >>> unidl.ops.concatenate([[[1, 2]], [[3, 4]]])
        array([[1, 2],
               [3, 4]], dtype=int32)
        >>> unidl.ops.concatenate([[[1, 2]], [[3, 4]]], axis=1)
        array([[1, 2, 3, 4]], dtype=int32)
    """
    return call_sequence("concatenate", xs, axis=axis)


@op
def stack(x: TensorLike, axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    Examples:
        >>> unidl.ops.stack([[1, 2], [3, 4]], axis=1)  # a new axis
        array([[1, 3],
               [2, 4]], dtype=int32)
    """
    if len({_shape(one) for one in x}) > 1:
        # Not every framework compares them. Open axes may still agree, in which case nothing is
        # wrong.
        error = explain("stack", [[tensor_of(one)[1] for one in x]], {"axis": axis})
        if error is not None:
            raise error
    return call_sequence("stack", x, axis=axis)


@op
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """x1 followed by x2 along `axis`; both flattened without one.

    Examples:
        >>> unidl.ops.append([[1, 2]], [[3, 4]])  # flat without an axis
        array([1, 2, 3, 4], dtype=int32)
        >>> unidl.ops.append([[1, 2]], [[3, 4]], axis=0)
        array([[1, 2],
               [3, 4]], dtype=int32)
    """
    return concatenate([ravel(x1), ravel(x2)]) if axis is None else concatenate([x1, x2], axis)


@op
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined as rows: along axis 0, 1-D tensors as one row each.

    Examples:
        >>> unidl.ops.vstack([[1, 2], [3, 4]])
        array([[1, 2],
               [3, 4]], dtype=int32)
    """
    return concatenate([_at_least(2, x) for x in xs], 0)


@op
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined as columns: along axis 1, 1-D tensors along their only axis.

    Examples:
        >>> unidl.ops.hstack([[1, 2], [3, 4]])
        array([1, 2, 3, 4], dtype=int32)
    """
    xs = [_at_least(1, x) for x in xs]
    return concatenate(xs, 0 if _rank(xs[0]) == 1 else 1)


@op
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined along the third axis; (n,) counts as (1, n, 1), (m, n) as (m, n, 1).

    Examples:
        >>> unidl.ops.dstack([[1, 2], [3, 4]])
        array([[[1, 3],
                [2, 4]]], dtype=int32)
    """
    wide = [_at_least(2, x) for x in xs]
    return concatenate([x if _rank(x) > 2 else expand_dims(x, -1) for x in wide], 2)


# -- cutting ---------------------------------------------------------------------------------------


@op
def split(
    x: TensorLike, indices_or_sections: int | Sequence[int] | TensorLike, axis: int = 0
) -> list[Tensor]:
    """List of parts along `axis`: that many equal ones, or cut before each of the given indices.

    Examples:
        >>> unidl.ops.split([1, 2, 3, 4], 2)
        [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
        >>> unidl.ops.split([1, 2, 3, 4], [1, 3])  # where to cut
        [array([1], dtype=int32), array([2, 3], dtype=int32), array([4], dtype=int32)]
    """
    given: Any = indices_or_sections
    if hasattr(given, "__iter__") and getattr(given, "ndim", 1) != 0:
        indices_or_sections = tuple(one_int("split", "a cut", i) for i in given)
        return call("split", x, indices_or_sections=indices_or_sections, axis=axis)
    indices_or_sections = one_int("split", "the number of parts", indices_or_sections)
    if indices_or_sections < 1 or any(
        not is_open(size) and size % indices_or_sections
        for size in _shape(x)[axis : axis + 1 or None]
    ):
        # Frameworks would cut unequal parts.
        arguments = {"indices_or_sections": indices_or_sections, "axis": axis}
        error = explain("split", [tensor_of(x)[1]], arguments)
        assert error is not None, "the shape rules reject unequal parts"
        raise error
    return call("split", x, indices_or_sections=indices_or_sections, axis=axis)


@op
def array_split(
    x: TensorLike, indices_or_sections: int | Sequence[int] | TensorLike, axis: int = 0
) -> list[Tensor]:
    """Like `split`; the first parts are one longer where the axis cannot be divided evenly.

    Examples:
        >>> unidl.ops.array_split([1, 2, 3, 4, 5], 2)
        [array([1, 2, 3], dtype=int32), array([4, 5], dtype=int32)]
    """
    if isinstance(indices_or_sections, int):
        backend, x = tensor_of(x)
        shape, parts = backend.shape(x), indices_or_sections
        if parts < 1:
            raise ValueError(f"array_split: the number of parts must be at least 1, got {parts}.")
        size = shape[_positive("array_split", axis, len(shape))[0]]
        if size is None:
            raise ValueError(
                f"array_split: axis {axis} of the shape {shape} is open. Give it a size in "
                "Input(shape=...)."
            )
        indices_or_sections = [size // parts * i + min(i, size % parts) for i in range(1, parts)]
    return split(x, indices_or_sections, axis)


@op
def hsplit(x: TensorLike, indices_or_sections: int | Sequence[int] | TensorLike) -> list[Tensor]:
    """`split` along axis 1, along axis 0 for 1-D tensors.

    Examples:
        >>> unidl.ops.hsplit([[1, 2], [3, 4]], 2)
        [array([[1],
               [3]], dtype=int32), array([[2],
               [4]], dtype=int32)]
    """
    return split(x, indices_or_sections, 0 if _rank(x) == 1 else 1)


@op
def vsplit(x: TensorLike, indices_or_sections: int | Sequence[int] | TensorLike) -> list[Tensor]:
    """`split` along axis 0.

    Examples:
        >>> unidl.ops.vsplit([[1, 2], [3, 4]], 2)
        [array([[1, 2]], dtype=int32), array([[3, 4]], dtype=int32)]
    """
    return split(x, indices_or_sections, 0)


@op
def dsplit(x: TensorLike, indices_or_sections: int | Sequence[int] | TensorLike) -> list[Tensor]:
    """`split` along axis 2.

    Examples:
        >>> [tuple(part.shape) for part in unidl.ops.dsplit(np.ones((2, 3, 4)), 2)]
        [(2, 3, 2), (2, 3, 2)]
    """
    return split(x, indices_or_sections, 2)


@op
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """List of the slices along `axis`, whose size must be known (and `num`, if given).

    Examples:
        >>> unidl.ops.unstack([[1, 2], [3, 4]])
        [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
    """
    parts = call("unstack", x, axis=axis)
    if num not in (None, len(parts)):
        raise ValueError(f"unstack: axis {axis} has {len(parts)} slices, not num={num}.")
    return parts


# -- order and repetition --------------------------------------------------------------------------


@op
def flip(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """Reversed order along `axis`: an int, a tuple, or None for all axes.

    Examples:
        >>> unidl.ops.flip([[1, 2], [3, 4]])  # all axes
        array([[4, 3],
               [2, 1]], dtype=int32)
        >>> unidl.ops.flip([[1, 2], [3, 4]], axis=0)
        array([[3, 4],
               [1, 2]], dtype=int32)
    """
    backend, x = tensor_of(x)
    return call("flip", x, axis=tuple(range(len(backend.shape(x)))) if axis is None else axis)


@op
def fliplr(x: TensorLike) -> Tensor:
    """Reversed along axis 1.

    Examples:
        >>> unidl.ops.fliplr([[1, 2], [3, 4]])
        array([[2, 1],
               [4, 3]], dtype=int32)
    """
    return call("flip", x, axis=1)


@op
def flipud(x: TensorLike) -> Tensor:
    """Reversed along axis 0.

    Examples:
        >>> unidl.ops.flipud([[1, 2], [3, 4]])
        array([[3, 4],
               [1, 2]], dtype=int32)
    """
    return call("flip", x, axis=0)


@op
def rot90(array: TensorLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees in the plane of `axes`, from the first towards the second.

    Examples:
        >>> unidl.ops.rot90([[1, 2], [3, 4]])  # against the clock
        array([[2, 4],
               [1, 3]], dtype=int32)
    """
    first, second = axes
    k %= 4
    if k == 0:
        return array
    if k == 2:
        return flip(flip(array, first), second)
    return (
        swapaxes(flip(array, second), first, second)
        if k == 1
        else flip(swapaxes(array, first, second), second)
    )


@op
def roll(x: TensorLike, shift: Any, axis: Axis | None = None) -> Tensor:
    """Elements moved `shift` places on along `axis` (ints or tuples), what falls off comes in at
    the start; flattened without an axis.

    Examples:
        >>> unidl.ops.roll([1, 2, 3, 4], 1)
        array([4, 1, 2, 3], dtype=int32)
        >>> unidl.ops.roll([[1, 2], [3, 4]], 1, axis=0)
        array([[3, 4],
               [1, 2]], dtype=int32)
    """
    if axis is None:
        backend, x = tensor_of(x)
        return reshape(roll(ravel(x), shift, 0), backend.shape(x))
    if isinstance(axis, (tuple, list)):
        shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(axis)
        if len(shifts) != len(axis):
            raise ValueError(
                f"roll: each axis needs one shift, got the shifts {tuple(shifts)} for the axes "
                f"{tuple(axis)}."
            )
        for one, where in zip(shifts, axis, strict=True):
            x = roll(x, one, where)
        return x
    backend, x = tensor_of(x)
    shape = backend.shape(x)
    (along,) = _positive("roll", axis, len(shape))
    shift = one_int("roll", "the shift", shift)
    places: Any = shift if shape[along] is None else shift % (shape[along] or 1)
    if places == 0:
        return x
    before = (slice(None),) * along
    parts = [
        call("getitem", x, key=(*before, slice(-places, None))),
        call("getitem", x, key=(*before, slice(None, -places))),
    ]
    return concatenate(parts, along)


@op
def tile(x: TensorLike, repeats: Any) -> Tensor:
    """x laid side by side, `repeats` times along each of the last axes.

    Examples:
        >>> unidl.ops.tile([1, 2], (2, 2))
        array([[1, 2, 1, 2],
               [1, 2, 1, 2]], dtype=int32)
    """
    repeats = tuple(_counts("tile", known_sizes(repeats)))
    backend, x = tensor_of(sized(x, repeats))
    rank = len(backend.shape(x))
    if len(repeats) > rank:
        x = call("expand_dims", x, axis=tuple(range(len(repeats) - rank)))
    return call("tile", x, repeats=(1,) * (rank - len(repeats)) + repeats)


@op
def repeat(x: TensorLike, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element `repeats` times along `axis`; flattened without one. `repeats` an int, or one
    int for each element.

    Examples:
        >>> unidl.ops.repeat([1, 2], 2)
        array([1, 1, 2, 2], dtype=int32)
        >>> unidl.ops.repeat([[1, 2], [3, 4]], [1, 2], axis=0)
        array([[1, 2],
               [3, 4],
               [3, 4]], dtype=int32)
    """
    if axis is None:
        x, axis = ravel(x), 0
    repeats = known_sizes(repeats)
    if hasattr(repeats, "__index__") and not getattr(repeats, "ndim", 0):
        repeats = _count("repeat", repeats)
        return call("repeat", sized(x, (repeats,)), repeats=repeats, axis=axis)
    counts = _counts("repeat", repeats)
    axis = one_axis("repeat", axis, _rank(x))
    if len(counts) == 1:
        return call("repeat", x, repeats=counts[0], axis=axis)
    size = _shape(x)[axis]
    if not agree(size, len(counts)):
        raise ValueError(
            f"repeat: expected one count, or one for each of the {size} elements on axis {axis}, "
            f"got {len(counts)}."
        )
    places = np.repeat(np.arange(len(counts), dtype="int32"), counts)
    return call("take", x, places, axis=axis)


@op
def pad(
    x: TensorLike, pad_width: Any, mode: str = "constant", constant_values: TensorLike | None = None
) -> Tensor:
    """Elements added before and after each axis: pairs, one pair for all axes, or one int.

    mode: "constant" (`constant_values`, 0 by default), "edge", "reflect" (without the edge),
    "symmetric" (with it).

    Examples:
        >>> unidl.ops.pad([1, 2, 3], (1, 2))
        array([0, 1, 2, 3, 0, 0], dtype=int32)
        >>> unidl.ops.pad([1, 2, 3], (1, 2), mode="reflect")
        array([2, 1, 2, 3, 2, 1], dtype=int32)
    """
    if constant_values is not None and mode != "constant":
        raise ValueError(f"pad: constant_values needs mode='constant', got mode={mode!r}.")
    backend, x = tensor_of(x)
    rank = len(backend.shape(x))
    given = pad_width
    if not hasattr(pad_width, "__iter__") or not getattr(pad_width, "ndim", 1):
        pad_width = ((pad_width, pad_width),) * rank
    elif len(pad_width) and not hasattr(pad_width[0], "__iter__"):
        pad_width = (tuple(pad_width) if len(pad_width) == 2 else (pad_width[0],) * 2,) * rank
    if isinstance(given, str) or any(isinstance(pair, str) for pair in pad_width):
        raise TypeError(f"pad: pad_width must be an int or pairs of ints, got {given!r}.")
    pad_width = tuple(tuple(one_int("pad", "a width", n) for n in pair) for pair in pad_width)
    if len(pad_width) == 1:
        pad_width *= rank
    if len(pad_width) != rank or any(n < 0 for pair in pad_width for n in pair):
        shape = tuple(backend.shape(x))
        raise ValueError(
            f"pad: one pair of non-negative ints for each axis of the shape {shape} is needed, got "
            f"{pad_width}."
        )
    value = 0 if constant_values is None else constant_values
    if type(value) is int and value:
        value = fitted(value, backend.dtype(x))
    return call("pad", x, pad_width=pad_width, mode=mode, constant_values=value)


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinate matrices of 1-D tensors: one for each, all of the grid's shape; "xy" puts the
    second tensor's axis first.

    Examples:
        >>> x, y = unidl.ops.meshgrid([1, 2, 3], [10, 20])
        >>> x, y
        (array([[1, 2, 3],
               [1, 2, 3]], dtype=int32), array([[10, 10, 10],
               [20, 20, 20]], dtype=int32))
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing must be "xy" or "ij", got {indexing!r}.')
    count = len(x)
    shapes = [[-1 if i == axis else 1 for i in range(count)] for axis in range(count)]
    if indexing == "xy" and count > 1:
        shapes = [[shape[1], shape[0], *shape[2:]] for shape in shapes]
    columns = [reshape(one, shape) for one, shape in zip(x, shapes, strict=True)]
    if count == 1:
        return columns
    grids = []
    for i, column in enumerate(columns):
        for other in columns[:i] + columns[i + 1 :]:
            backend, column = tensor_of(column)
            column = call_promoted(
                "add", column, call("full_like", other, value=0, dtype=backend.dtype(column))
            )
        grids.append(column)
    return grids


# -- helpers ---------------------------------------------------------------------------------------


def _shape(x: TensorLike) -> Any:
    backend, x = tensor_of(x)
    return tuple(backend.shape(x))


def _rank(x: TensorLike) -> int:
    return len(_shape(x))


def _at_least(rank: Any, x: TensorLike) -> Any:
    missing = rank - _rank(x)
    return call("expand_dims", x, axis=tuple(range(missing))) if missing > 0 else tensor_of(x)[1]


def _count(name: str, number: Any) -> int:
    """How often something is repeated: an int that is not negative."""
    number = one_int(name, "a count", number)
    if number < 0:
        raise ValueError(f"{name}: a count must be at least 0, got {number}.")
    return number


def _counts(name: str, numbers: Any) -> list[int]:
    if not hasattr(numbers, "__iter__"):
        numbers = (numbers,)
    return [_count(name, number) for number in numbers]


def _positive(name: str, axes: Any, rank: Any) -> Any:
    """`axes` (an int or several) as a tuple of numbers in [0, rank)."""
    return tuple(
        one_axis(name, a, rank)
        for a in (axes if isinstance(axes, (tuple, list, range)) else (axes,))
    )

"""Functions that turn the order of elements around, repeat them, and put more beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend.host_data import fitted
from unidl.ops.dispatch import (
    call,
    call_promoted,
    known_sizes,
    op,
    sized,
    tensor_of,
)
from unidl.ops.joining import (
    concatenate,
)
from unidl.ops.shaping import (
    positive_axes,
    rank_of,
    ravel,
    reshape,
    shape_of,
    swapaxes,
)
from unidl.tracing.shapes.arithmetic import agree, one_axis, one_int
from unidl.typing import Axis, Tensor, TensorLike


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
    (along,) = positive_axes("roll", axis, len(shape))
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
    axis = one_axis("repeat", axis, rank_of(x))
    if len(counts) == 1:
        return call("repeat", x, repeats=counts[0], axis=axis)
    size = shape_of(x)[axis]
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

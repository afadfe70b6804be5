"""Arithmetic of shapes, where None or an OpenSize is an axis of any size, and the errors that
follow from it."""

from __future__ import annotations

from unidl.tracing.sizes import a_size, is_open, merged


def agree(a, b) -> bool:
    """Whether two sizes can be equal."""
    return a == b or is_open(a) or is_open(b)


def shapes_agree(a, b) -> bool:
    return len(a) == len(b) and all(map(agree, a, b))


def broadcast(name, *shapes):
    """The shape that all `shapes` broadcast to."""
    rank = max(map(len, shapes))
    result = []
    for axis in range(-rank, 0):
        sizes = [shape[axis] for shape in shapes if -axis <= len(shape)]
        known = {size for size in sizes if not is_open(size)} - {1}
        if len(known) > 1:
            raise ValueError(
                f"{name}: the shapes {' and '.join(map(str, shapes))} do not broadcast: axis "
                f"{axis} has the sizes "
                f"{' and '.join(map(str, sorted(known)))}. Axes, counted from the last, must be "
                "equal or 1; insert axes of size 1 "
                "with expand_dims, or reorder them with transpose."
            )
        result.append(
            known.pop() if known else merged([size for size in sizes if is_open(size)] or [1])
        )
    return tuple(result)


def one_axis(name, axis, rank, shape=None) -> int:
    """`axis` as a number in [0, rank)."""
    if not isinstance(axis, int):
        if not hasattr(axis, "__index__"):
            raise TypeError(f"{name}: axis must be an int, got {axis!r}.")
        axis = axis.__index__()
    if not -rank <= axis < rank:
        of = f"a tensor of shape {shape}" if shape is not None else f"{rank} axes"
        allowed = f"-{rank} to {rank - 1}" if rank else "none, since it is a single number"
        raise ValueError(f"{name}: axis {axis} is out of range for {of}; possible: {allowed}.")
    return axis % rank


def some_axes(name, axis, rank, shape=None) -> tuple:
    """`axis` (None for all, an int or several) as a sorted tuple of numbers in [0, rank)."""
    if axis is None:
        return tuple(range(rank))
    axes = [
        one_axis(name, a, rank, shape)
        for a in (axis if isinstance(axis, (tuple, list)) else (axis,))
    ]
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: axis {axis} names an axis of the shape {shape} twice.")
    return tuple(sorted(axes))


def one_int(name, what, number) -> int:
    """`number`, an int, or an error that calls it `what`."""
    if type(number) is not bool:
        if isinstance(number, int):
            return number  # which may be the size of an open axis
        if hasattr(number, "__index__") and not getattr(number, "ndim", 0):
            return number.__index__()
    raise TypeError(f"{name}: {what} must be an int, got {number!r}.")


def product(sizes):
    """Number of elements, None if an axis is open (unless another is empty)."""
    total = 1
    for size in sizes:
        if size == 0:
            return 0
        total = None if total is None or size is None else total * size
    return total


def check_shape(name, shape) -> tuple:
    """A shape given by the user, as a tuple of non-negative ints and Nones."""
    is_number = hasattr(shape, "__index__") and not getattr(shape, "ndim", 0)
    shape = (shape,) if is_number else tuple(shape)
    for size in shape:
        if not is_open(size) and (not hasattr(size, "__index__") or size < 0):
            raise ValueError(f"{name}: a shape must consist of non-negative ints, got {shape}.")
    return tuple(a_size(size) for size in shape)


def check_rank(name, what, shape, least):
    if len(shape) < least:
        raise ValueError(f"{name}: {what} needs at least {least} axes, got the shape {shape}.")

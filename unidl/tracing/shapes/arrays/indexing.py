"""Shape rules: slices, lookups, scatters, choices."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, one_axis, shapes_agree
from unidl.tracing.shapes.operands import check_bool, common_dtype, operand_shape
from unidl.tracing.sizes import OpenSize, is_open, of_both


class Indexing:
    def getitem(self, x, key):
        key = key if isinstance(key, tuple) else (key,)
        used = sum(1 for k in key if k is not None and k is not Ellipsis)
        if used > x.ndim:
            raise IndexError(
                f"get_item: {used} indices for a tensor of shape {x.shape}, which has {x.ndim} "
                "axes."
            )
        if not any(k is Ellipsis for k in key):
            key = (*key, Ellipsis)
        shape, axis = [], 0
        for k in key:
            if k is Ellipsis:
                rest = x.ndim - used
                shape += x.shape[axis : axis + rest]
                axis += rest
            elif k is None:
                shape.append(1)
            else:
                if isinstance(k, slice):
                    shape.append(_sliced(x.shape[axis], k))
                else:
                    _check_index(x.shape, axis, k)
                axis += 1
        return KerasTensor(shape, x.dtype)

    def take(self, x, indices, axis):
        check_integers("take", indices)
        axis = one_axis("take", axis, x.ndim, x.shape)
        return KerasTensor(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], x.dtype)

    def take_along_axis(self, x, indices, axis):
        check_integers("take_along_axis", indices)
        axis = one_axis("take_along_axis", axis, x.ndim, x.shape)
        if indices.ndim != x.ndim:
            raise ValueError(
                f"take_along_axis: indices must have as many axes as x, got {indices.shape} for "
                f"{x.shape}. Use expand_dims, or take for whole slices."
            )
        others = broadcast("take_along_axis", _one_at(x.shape, axis), _one_at(indices.shape, axis))
        return KerasTensor((*others[:axis], indices.shape[axis], *others[axis + 1 :]), x.dtype)

    def where(self, condition, x1, x2):
        check_bool("where", condition)
        shape = broadcast("where", condition.shape, operand_shape(x1), operand_shape(x2))
        return KerasTensor(shape, common_dtype("where", x1, x2))

    def scatter_add(self, x, indices, updates):
        return _scatter("scatter_update", x, indices, updates)

    def scatter_update(self, x, indices, updates):
        return _scatter("scatter_update", x, indices, updates)


def _sliced(size, key):
    if key.step == 0:
        raise ValueError("get_item: the step of a slice must not be 0.")
    if size is None:
        # A slice of an open axis is open too.
        return None
    given = [n for n in (key.start, key.stop, key.step) if n is not None]
    if OpenSize not in map(type, (size, *given)):
        return len(range(size)[key])
    return of_both(lambda size, *numbers: len(range(size)[_slice_like(key, numbers)]), size, *given)


def _slice_like(key, numbers):
    """`key` with other numbers at the places that are not None."""
    rest = iter(numbers)
    return slice(*(None if n is None else next(rest) for n in (key.start, key.stop, key.step)))


def _check_index(shape, axis, index):
    if isinstance(index, bool) or not hasattr(index, "__index__"):
        raise TypeError(
            f"get_item: an index must be an int, a slice, None or Ellipsis, got {index!r}. Use "
            "take for a tensor of indices."
        )
    size = shape[axis]
    if not is_open(size) and not -size <= index < size:
        raise IndexError(
            f"get_item: index {index} is out of range for axis {axis} of the shape {shape}."
        )


def check_integers(name, indices):
    if not dtypes.is_integer(indices.dtype):
        raise TypeError(
            f"{name}: indices must be integers, got {indices.dtype}. Use ops.cast(indices, "
            '"int32").'
        )


def _one_at(shape, axis):
    return (*shape[:axis], 1, *shape[axis + 1 :])


def _scatter(name, x, indices, updates):
    check_integers(name, indices)
    dtype = common_dtype(name, x, updates)
    if indices.ndim != 2 or is_open(indices.shape[1]) or indices.shape[1] > x.ndim:
        raise ValueError(
            f"{name}: indices have the shape (m, k), one row for each update, k at most the "
            f"{x.ndim} axes of {x.shape}; got "
            f"{indices.shape}."
        )
    expected = (indices.shape[0], *x.shape[indices.shape[1] :])
    if not shapes_agree(updates.shape, expected) or not agree(updates.shape[0], indices.shape[0]):
        raise ValueError(
            f"{name}: for x {x.shape} and indices {indices.shape} the updates must have the shape "
            f"{expected}, got {updates.shape}."
        )
    return KerasTensor(x.shape, dtype)

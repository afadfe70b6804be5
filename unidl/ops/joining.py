"""Functions that join tensors and cut them into parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.ops.dispatch import (
    call,
    call_sequence,
    explain,
    op,
    tensor_of,
)
from unidl.ops.shaping import expand_dims, positive_axes, rank_of, ravel, shape_of
from unidl.tracing.shapes.arithmetic import one_int
from unidl.tracing.sizes import is_open
from unidl.typing import Tensor, TensorLike


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
    if len({shape_of(one) for one in x}) > 1:
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
    return concatenate(xs, 0 if rank_of(xs[0]) == 1 else 1)


@op
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined along the third axis; (n,) counts as (1, n, 1), (m, n) as (m, n, 1).

    Examples:
        >>> unidl.ops.dstack([[1, 2], [3, 4]])
        array([[[1, 3],
                [2, 4]]], dtype=int32)
    """
    wide = [_at_least(2, x) for x in xs]
    return concatenate([x if rank_of(x) > 2 else expand_dims(x, -1) for x in wide], 2)


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
        for size in shape_of(x)[axis : axis + 1 or None]
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
        size = shape[positive_axes("array_split", axis, len(shape))[0]]
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
    return split(x, indices_or_sections, 0 if rank_of(x) == 1 else 1)


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


def _at_least(rank: Any, x: TensorLike) -> Any:
    missing = rank - rank_of(x)
    return call("expand_dims", x, axis=tuple(range(missing))) if missing > 0 else tensor_of(x)[1]

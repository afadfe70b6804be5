"""Reductions of rows by segment: data (n, ...), segment_ids (n,) integers -> (num_segments, ...).

Rows whose id is negative belong to no segment; an id that is not below `num_segments` is an error
(computed inside a compiled step, it belongs to no segment either). `num_segments` is the
largest id plus 1 where it is not given, which needs ids that have values: not in a compiled
function. `sorted` only promises something, and is not used.
"""

from __future__ import annotations

from typing import Any

from unidl.ops.core import cast
from unidl.ops.dispatch import backend_of, convert, explain, op, run
from unidl.ops.host_values import host_value
from unidl.ops.index_checks import check_indices, integers
from unidl.tracing.shapes.arithmetic import one_int
from unidl.typing import Tensor, TensorLike


@op
def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Sum of the rows of each segment, 0 where there is none.

    Examples:
        >>> unidl.ops.segment_sum([1.0, 2.0, 10.0, 20.0], [0, 0, 2, 2])
        array([ 3.,  0., 30.], dtype=float32)
        >>> unidl.ops.segment_sum([1.0, 2.0, 4.0], [0, -1, 0], num_segments=2)  # -1 counts nowhere
        array([5., 0.], dtype=float32)
    """
    return _segments("segment_sum", data, segment_ids, num_segments)


@op
def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Largest elements of each segment, equal ones sharing the gradient; -inf (the smallest
    integer) where there is no row.

    Examples:
        >>> unidl.ops.segment_max([1.0, 2.0, 10.0, 5.0], [0, 0, 1, 1])
        array([ 2., 10.], dtype=float32)
    """
    return _segments("segment_max", data, segment_ids, num_segments)


@op
def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Smallest elements of each segment, equal ones sharing the gradient; inf (the largest integer)
    where there is no row.

    Examples:
        >>> unidl.ops.segment_min([1.0, 2.0, 10.0, 5.0], [0, 0, 1, 1])
        array([1., 5.], dtype=float32)
    """
    return _segments("segment_min", data, segment_ids, num_segments)


@op
def segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Product of the rows of each segment, 1 where there is none.

    Examples:
        >>> unidl.ops.segment_prod([3.0, 2.0, 10.0, 5.0], [0, 0, 1, 1])
        array([ 6., 50.], dtype=float32)
    """
    return _segments("segment_prod", data, segment_ids, num_segments)


def _segments(name: str, data: Any, ids: Any, count: Any) -> Any:
    ids = integers(name, ids, "segment_ids")
    if count is not None:
        count = one_int(name, "num_segments", count)
        if count < 0:
            raise ValueError(f"{name}: num_segments must be at least 0, got {count}.")
        check_indices(name, ids, -(2**63), count, f"num_segments={count}", "the id")
    backend = backend_of([data, ids])
    data, ids = (backend.asarray(convert(backend, t)) for t in (data, ids))
    error = None if backend.absorbs else explain(name, [data, ids], {"count": count or 0})
    if error is not None:
        raise error
    if backend.dtype(data) == "bool":
        data = cast(data, "int32")
    if count is None:
        values = host_value(
            name, ids, f"Give the number of segments: {name}(data, segment_ids, num_segments=...)."
        )
        count = int(values.max(initial=-1)) + 1
    return run(backend, name, [data, ids], {"count": count})

"""Shape rules of `contract/segments.py`."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, check_rank


class Segments:
    def segment_sum(self, x, ids, count):
        return _segments("segment_sum", x, ids, count)

    def segment_max(self, x, ids, count):
        return _segments("segment_max", x, ids, count)

    def segment_min(self, x, ids, count):
        return _segments("segment_min", x, ids, count)

    def segment_prod(self, x, ids, count):
        return _segments("segment_prod", x, ids, count)


def _segments(name, x, ids, count):
    check_rank(name, "data", x.shape, 1)
    if ids.ndim != 1 or not agree(ids.shape[0], x.shape[0]):
        raise ValueError(
            f"{name}: segment_ids must contain one integer for each row of data, got the shapes "
            f"{ids.shape} and {x.shape}."
        )
    return KerasTensor((count, *x.shape[1:]), x.dtype)

"""Extremes of segments by torch's scatter."""

from __future__ import annotations

import math

import torch

from unidl.backend import contract


class Segments(contract.Segments):
    # torch's scatter knows no segment without rows for integers.

    def segment_max(self, x, ids, count):
        if not x.is_floating_point():
            return super().segment_max(x, ids, count)
        return _scattered(x, ids, count, "amax", -math.inf)

    def segment_min(self, x, ids, count):
        if not x.is_floating_point():
            return super().segment_min(x, ids, count)
        return _scattered(x, ids, count, "amin", math.inf)


def _scattered(x, ids, count, kernel, empty):
    """The rows of `x` reduced by `kernel` where their id says; `empty` where there is no row."""
    outside = (ids < 0) | (ids >= count)
    places = torch.where(outside, count, ids).long().reshape(-1, *(1,) * (x.ndim - 1))
    result = x.new_full((count + 1, *x.shape[1:]), empty)
    return result.scatter_reduce(0, places.expand(x.shape), x, kernel, include_self=False)[:count]

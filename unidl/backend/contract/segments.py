"""Reductions of rows by the segment that each belongs to.

`x` is (n, ...), `ids` (n,) integers, `count` the number of segments -> (count, ...). Rows whose id
is below 0 or not below `count` belong to no segment.
"""

from __future__ import annotations

from abc import ABC

from unidl.backend import dtypes


class Segments(ABC):
    def segment_sum(self, x, ids, count):
        """Sums, 0 for a segment without rows."""
        outside = self.logical_or(self.less(ids, 0), self.greater_equal(ids, count))
        # One segment more takes up what belongs to none.
        places = self.expand_dims(self.where(outside, self.full_like(ids, count), ids), -1)
        zeros = self.full((count + 1, *self.shape(x)[1:]), 0, self.dtype(x))
        return self.getitem(self.scatter_add(zeros, places, x), (slice(0, count),))

    def segment_max(self, x, ids, count):
        """Largest elements, of which equal ones share the gradient; the dtype's smallest number for
        a segment without rows."""
        return self.max(self._by_segment(x, ids, count, dtypes.extremes(self.dtype(x))[0]), 0)

    def segment_min(self, x, ids, count):
        """Smallest elements, of which equal ones share the gradient; the dtype's largest number for
        a segment without rows."""
        return self.min(self._by_segment(x, ids, count, dtypes.extremes(self.dtype(x))[1]), 0)

    def segment_prod(self, x, ids, count):
        """Products, 1 for a segment without rows."""
        return self.prod(self._by_segment(x, ids, count, 1), 0)

    def _by_segment(self, x, ids, count, neutral):
        """(n + 1, count, ...): each row at the place of its segment, `neutral` elsewhere and in a
        last row."""
        rank = len(self.shape(x))
        numbers = self.arange(0, count, 1, self.dtype(ids))
        member = self.equal(self.expand_dims(ids, -1), numbers)
        member = self.reshape(member, (*self.shape(member), *(1,) * (rank - 1)))
        wide = self.expand_dims(x, 1)
        spread = self.where(member, wide, self.full((1,) * (rank + 1), neutral, self.dtype(x)))
        return self.concatenate(
            [spread, self.full((1, *self.shape(spread)[1:]), neutral, self.dtype(x))], 0
        )

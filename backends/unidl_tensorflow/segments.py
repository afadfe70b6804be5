"""Sums, products and extremes of segments, by kernels of their own."""

from __future__ import annotations

from unidl.backend import contract, dtypes
from unidl_tensorflow.load import tf


class Segments(contract.Segments):
    def segment_sum(self, x, ids, count):
        return tf.math.unsorted_segment_sum(x, _inside(ids, count), count)

    def segment_prod(self, x, ids, count):
        return tf.math.unsorted_segment_prod(x, _inside(ids, count), count)

    def segment_max(self, x, ids, count):
        return _infinite(x, tf.math.unsorted_segment_max(x, _inside(ids, count), count), 0)

    def segment_min(self, x, ids, count):
        return _infinite(x, tf.math.unsorted_segment_min(x, _inside(ids, count), count), 1)


def _inside(ids, count):
    """Ids with -1, which TensorFlow leaves out, for those that are too large."""
    return tf.where(ids >= count, tf.constant(-1, ids.dtype), ids)


def _infinite(x, y, place):
    """Infinities for segments without rows, where TensorFlow gives the dtype's largest or smallest
    finite number."""
    if not x.dtype.is_floating:
        return y
    limit = (x.dtype.min, x.dtype.max)[place]
    return tf.where(
        y == tf.constant(limit, x.dtype),
        tf.constant(dtypes.extremes(x.dtype.name)[place], x.dtype),
        y,
    )

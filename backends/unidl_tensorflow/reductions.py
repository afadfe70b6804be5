"""Reductions and running sums."""

from __future__ import annotations

from unidl_tensorflow.indexing import descending, order_key
from unidl_tensorflow.load import tf


def _counted(x):
    """TensorFlow adds up no bools."""
    return tf.cast(x, tf.int32) if x.dtype == tf.bool else x


class Reductions:
    def sum(self, x, axis=None, keepdims=False):
        return tf.reduce_sum(_counted(x), axis, keepdims)

    def mean(self, x, axis=None, keepdims=False):
        return tf.reduce_mean(x, axis, keepdims)

    def prod(self, x, axis=None, keepdims=False):
        return tf.reduce_prod(_counted(x), axis, keepdims)

    def max(self, x, axis=None, keepdims=False):
        return tf.reduce_any(x, axis, keepdims) if x.dtype == tf.bool else tf.reduce_max(x, axis, keepdims)

    def min(self, x, axis=None, keepdims=False):
        return tf.reduce_all(x, axis, keepdims) if x.dtype == tf.bool else tf.reduce_min(x, axis, keepdims)

    def any(self, x, axis=None, keepdims=False):
        return tf.reduce_any(x, axis, keepdims)

    def all(self, x, axis=None, keepdims=False):
        return tf.reduce_all(x, axis, keepdims)

    def argmax(self, x, axis, keepdims=False):
        return self._arg(order_key(x), axis, keepdims)

    def argmin(self, x, axis, keepdims=False):
        key = descending(order_key(x))
        if x.dtype.is_floating:
            key = tf.where(tf.math.is_nan(x), key.dtype.max, key)  # NaN, where there is one, wins here too
        return self._arg(key, axis, keepdims)

    @staticmethod
    def _arg(key, axis, keepdims):
        rank = len(key.shape)
        if axis is None:
            index = tf.argmax(tf.reshape(key, [-1]), 0, tf.int32)
            return tf.reshape(index, [1] * rank) if keepdims else index
        index = tf.argmax(key, axis, tf.int32)
        return tf.expand_dims(index, axis) if keepdims else index

    def cumsum(self, x, axis):
        return tf.cumsum(_counted(x), axis)

    def cumprod(self, x, axis):
        """By doubling: products over the last 1, 2, 4 ... elements. TensorFlow's own gradient divides by x, which may be 0."""
        x = _counted(x)
        if not x.dtype.is_floating:
            return tf.math.cumprod(x, axis)
        axis %= len(x.shape)
        size, reach = x.shape[axis], 1
        before = (slice(None),) * axis
        while reach < size:
            ones = tf.ones_like(self.getitem(x, (*before, slice(0, reach))))
            x *= tf.concat([ones, self.getitem(x, (*before, slice(0, size - reach)))], axis)
            reach *= 2
        return x

"""Reductions and running sums."""

from __future__ import annotations

import math
from functools import lru_cache

from unidl.backend import contract
from unidl_tensorflow.indexing import descending, order_key
from unidl_tensorflow.load import tf


def _counted(x):
    """TensorFlow adds up no bools."""
    return tf.cast(x, tf.int32) if x.dtype == tf.bool else x


LONG = 1024  # terms


def _is_long(x, axis):
    """Whether float sums over `axis`, which is not the last one, have many terms."""
    if axis is None or not x.dtype.is_floating or not x.shape.is_fully_defined():
        return False
    axes = _sorted(x, axis)
    neighbours = axes and axes[-1] < len(x.shape) - 1 and axes[-1] - axes[0] == len(axes) - 1
    return bool(neighbours) and math.prod(x.shape[a] for a in axes) >= LONG


def _sorted(x, axis):
    return sorted(a % len(x.shape) for a in ((axis,) if isinstance(axis, int) else axis))


def _check_there_is_one(x, axis):
    """An error for the extreme of nothing, which to TensorFlow is an infinity."""
    if 0 in x.shape:
        axes = range(len(x.shape)) if axis is None else _sorted(x, axis)
        if any(x.shape[a] == 0 for a in axes):
            raise ValueError(f"max or min over an empty axis of the shape {x.shape}.")


@lru_cache(maxsize=1024)
def _divisor(n):
    """The largest divisor of `n` that is not above its root."""
    return next(d for d in range(math.isqrt(n), 0, -1) if n % d == 0)


def sum_in_parts(x, axis, keepdims):
    """TensorFlow adds up in a tree along the last axis alone; along the others it runs through, and
    10,000 terms are off by 34 roundings. Sums of sums are off by 2, in the same time.
    """
    axes, shape = _sorted(x, axis), x.shape.as_list()
    before, count, after = (
        math.prod(part)
        for part in (shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :])
    )
    part = _divisor(count)
    if count > LONG * part:  # a prime number, or nearly
        y = tf.reduce_sum(tf.transpose(tf.reshape(x, (before, count, after)), (0, 2, 1)), 2)
    else:
        y = tf.reduce_sum(tf.reduce_sum(tf.reshape(x, (before, part, count // part, after)), 1), 1)
    return tf.reshape(
        y, [1 if a in axes else n for a, n in enumerate(shape) if keepdims or a not in axes]
    )


class Reductions(contract.Math):
    def sum(self, x, axis=None, keepdims=False):
        return (
            sum_in_parts(x, axis, keepdims)
            if _is_long(x, axis)
            else tf.reduce_sum(_counted(x), axis, keepdims)
        )

    def mean(self, x, axis=None, keepdims=False):
        if _is_long(x, axis):
            return sum_in_parts(x, axis, keepdims) / math.prod(x.shape[a] for a in _sorted(x, axis))
        return tf.reduce_mean(x, axis, keepdims)

    def prod(self, x, axis=None, keepdims=False):
        return tf.reduce_prod(_counted(x), axis, keepdims)

    def max(self, x, axis=None, keepdims=False):
        _check_there_is_one(x, axis)
        return (
            tf.reduce_any(x, axis, keepdims)
            if x.dtype == tf.bool
            else tf.reduce_max(x, axis, keepdims)
        )

    def min(self, x, axis=None, keepdims=False):
        _check_there_is_one(x, axis)
        return (
            tf.reduce_all(x, axis, keepdims)
            if x.dtype == tf.bool
            else tf.reduce_min(x, axis, keepdims)
        )

    def any(self, x, axis=None, keepdims=False):
        return tf.reduce_any(x, axis, keepdims)

    def all(self, x, axis=None, keepdims=False):
        return tf.reduce_all(x, axis, keepdims)

    def argmax(self, x, axis, keepdims=False):
        return self._arg(order_key(x), axis, keepdims)

    def argmin(self, x, axis, keepdims=False):
        key = descending(order_key(x))
        if x.dtype.is_floating:
            key = tf.where(
                tf.math.is_nan(x), key.dtype.max, key
            )  # NaN, where there is one, wins here too
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
        """By doubling: products over the last 1, 2, 4 ... elements. TensorFlow's own gradient
        divides by x, which may be 0."""
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

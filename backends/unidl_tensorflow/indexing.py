"""Indexing, choice and order."""

from __future__ import annotations

from unidl.backend import contract
from unidl_tensorflow.elementwise import pair
from unidl_tensorflow.load import tf
from unidl_tensorflow.shaping import size_of

_INDEX_TYPES = (tf.int32, tf.int64)
_BITS = {tf.float16: tf.int16, tf.bfloat16: tf.int16, tf.float32: tf.int32, tf.float64: tf.int64}


def as_index(indices):
    """TensorFlow's gathers take int32 and int64 alone."""
    return indices if indices.dtype in _INDEX_TYPES else tf.cast(indices, tf.int64)


def order_key(x):
    """Integers in the order of `x`: equal where x is, NaN above all. TensorFlow's own sort scatters
    NaNs."""
    if x.dtype == tf.bool:
        return tf.cast(x, tf.int32)
    if not x.dtype.is_floating:
        return x
    # Read as integers, positive floats keep their order and negative ones are reversed. One zero,
    # one NaN.
    x = tf.where(
        tf.math.is_nan(x), tf.constant(float("nan"), x.dtype), tf.where(x == 0, tf.zeros_like(x), x)
    )
    bits = tf.bitcast(x, _BITS[x.dtype])
    return tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, bits.dtype.max), bits)


def descending(key):
    """The integers `key` in reversed order, without overflow."""
    return tf.bitwise.invert(key)


class Indexing(contract.Arrays):
    def getitem(self, x, key):
        return x[key] if key != () else tf.convert_to_tensor(x)

    def take(self, x, indices, axis):
        indices = as_index(indices)
        size = tf.cast(size_of(x, axis), indices.dtype)
        return tf.gather(x, tf.where(indices < 0, indices + size, indices), axis=axis)

    def take_along_axis(self, x, indices, axis):
        indices, rank = as_index(indices), len(x.shape)
        axis %= rank
        if axis != rank - 1:
            order = [a for a in range(rank) if a != axis] + [axis]
            back = [order.index(a) for a in range(rank)]
            return tf.transpose(
                self.take_along_axis(tf.transpose(x, order), tf.transpose(indices, order), -1), back
            )
        batch = tf.broadcast_static_shape(x.shape[:-1], indices.shape[:-1]).as_list()
        if None in batch:
            batch = tf.broadcast_dynamic_shape(tf.shape(x)[:-1], tf.shape(indices)[:-1])
            x = tf.broadcast_to(x, tf.concat([batch, tf.shape(x)[-1:]], 0))
            indices = tf.broadcast_to(indices, tf.concat([batch, tf.shape(indices)[-1:]], 0))
        else:
            x = x if x.shape[:-1] == batch else tf.broadcast_to(x, [*batch, x.shape[-1]])
            indices = (
                indices
                if indices.shape[:-1] == batch
                else tf.broadcast_to(indices, [*batch, indices.shape[-1]])
            )
        return tf.gather(x, indices, batch_dims=rank - 1)

    def scatter_add(self, x, indices, updates):
        if 0 in x.shape:  # which the kernel refuses
            return x
        return tf.tensor_scatter_nd_add(x, as_index(indices), updates)

    def scatter_update(self, x, indices, updates):
        if 0 in x.shape:
            return x
        return tf.tensor_scatter_nd_update(x, as_index(indices), updates)

    def where(self, condition, x1, x2):
        return tf.where(condition, *pair(x1, x2))

    # -- order -----------------------------------------------------------------------------------

    def sort(self, x, axis):
        return self.take_along_axis(x, self.argsort(x, axis), axis)

    def argsort(self, x, axis):
        return tf.argsort(order_key(x), axis, stable=True)

    def top_k(self, x, k):
        key = order_key(x)
        if x.dtype.is_floating:
            key = tf.where(
                tf.math.is_nan(x), key.dtype.min, key
            )  # in descending order, too, NaN comes last
        indices = tf.math.top_k(key, k).indices
        return self.take_along_axis(x, indices, -1), indices

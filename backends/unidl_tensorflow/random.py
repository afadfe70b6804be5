"""Random bits in uint32, which wraps around as the hash wants (int64 with masks takes twice as long)."""

from __future__ import annotations

import math

import tensorflow as tf

from unidl.backend.contract.random import MULTIPLIERS, SHIFTS


def _word(value):
    return tf.cast(value, tf.uint32) if isinstance(value, tf.Tensor) else tf.constant(value, tf.uint32)


def _mix(word):
    for shift, factor in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        word = tf.bitwise.bitwise_xor(word, tf.bitwise.right_shift(word, tf.constant(shift, tf.uint32)))
        word = word if factor is None else word * tf.constant(factor, tf.uint32)
    return word


class Random:
    def random_bits(self, key, shape):
        with self.scope():
            counter = tf.cast(tf.range(math.prod(shape), dtype=tf.int64), tf.uint32)
            word = _mix(counter + _word(key[0]))
            return tf.reshape(_mix(tf.bitwise.bitwise_xor(word, _word(key[1]))), shape)

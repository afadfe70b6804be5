"""Random bits: hashed by NumPy for eager draws, by uint32 kernels, which wrap around as the hash
wants, inside graphs."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl.backend.contract.random import MASK, MULTIPLIERS, SHIFTS, host_words
from unidl_tensorflow.load import tf

# From here on a draw inside a graph is handed to XLA, which fuses the twelve loops of the hash into
# one: a mask of 1e6 elements takes 0.4 instead of 3.5 ms.
FUSED_FROM = 1 << 13


class Random(contract.Random):
    def random_bits(self, key, shape):
        if _is_on_host(key):
            return self._from_host(key, shape, np.uint32, lambda words: words)
        return _fused(lambda key: _bits(key, shape), key, shape)

    def keep_mask(self, key, shape, rate):
        threshold = min(MASK, round(rate * 2**32))
        if _is_on_host(key):
            return self._from_host(
                key, shape, np.bool_, lambda words: words >= np.uint32(threshold)
            )
        return _fused(
            lambda key: _bits(key, shape) >= tf.constant(threshold, tf.uint32), key, shape
        )

    def _from_host(self, key, shape, dtype, function):
        out = np.empty(math.prod(shape), dtype)
        for piece, words in host_words(key, out.size):
            out[piece] = function(words)
        return self.asarray(out.reshape(shape))


def _is_on_host(key):
    return tf.executing_eagerly() and not isinstance(key, tf.Tensor)


def _fused(function, key, shape):
    if math.prod(shape) < FUSED_FROM or tf.executing_eagerly() or not tf.test.is_built_with_xla():
        return function(key)
    # A key of Python ints becomes part of the traced function, a tensor is its argument.
    return tf.function(function, autograph=False, jit_compile=True)(key)


def _bits(key, shape):
    counter = tf.cast(tf.range(math.prod(shape), dtype=tf.int64), tf.uint32)
    word = _mix(counter + _word(key[0]))
    return tf.reshape(_mix(tf.bitwise.bitwise_xor(word, _word(key[1]))), shape)


def _word(value):
    return (
        tf.cast(value, tf.uint32) if isinstance(value, tf.Tensor) else tf.constant(value, tf.uint32)
    )


def _mix(word):
    for shift, factor in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        word = tf.bitwise.bitwise_xor(
            word, tf.bitwise.right_shift(word, tf.constant(shift, tf.uint32))
        )
        word = word if factor is None else word * tf.constant(factor, tf.uint32)
    return word

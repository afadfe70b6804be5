"""Portable random numbers: a hash of a counter, with the same bits on every backend.

Element i of a draw is `hash(i, key)`, where `key` is a pair of 32-bit words that `unidl.random`
mixes on the host from (seed, stream, counter). The hash is two rounds of Wellons' "lowbias32"
xorshift-multiply mix (https://nullprogram.com/blog/2018/07/31/), one word of the key entering
before each round. It needs only 32-bit wrap-around arithmetic, so it runs inside any graph and on
any device.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
SHIFTS = (16, 15, 16)
MASK = 0xFFFFFFFF

# Words that NumPy hashes at a time: they, their scratch and what is made of them stay in the cache.
PIECE = 1 << 15


def mix(word: int) -> int:
    """One round of the hash on a Python int, the reference of `random_bits`."""
    word ^= word >> SHIFTS[0]
    word = (word * MULTIPLIERS[0]) & MASK
    word ^= word >> SHIFTS[1]
    word = (word * MULTIPLIERS[1]) & MASK
    return word ^ (word >> SHIFTS[2])


def host_words(key, count):
    """Pairs (slice, uint32 words of the elements in it) for all of `count` elements, hashed by
    NumPy in pieces.

    The array belongs to the caller until the next piece, which overwrites it.
    """
    buffer = np.empty(min(count, PIECE), np.uint32)
    yield from _hashed(key, count, lambda piece, size: buffer[:size])


def host_bits(key, count):
    """The uint32 words of all of `count` elements, (count,), hashed by NumPy."""
    words = np.empty(count, np.uint32)
    for _ in _hashed(key, count, lambda piece, size: words[piece]):
        pass
    return words


def _hashed(key, count, place):
    """Write the words of one piece after the other into `place(slice, size)`, and yield them."""
    first, second = (int(word) & MASK for word in key)
    counter = np.arange(min(count, PIECE), dtype=np.uint32)
    scratch = np.empty_like(counter)
    for start in range(0, count, PIECE):
        size = min(PIECE, count - start)
        piece, spare = slice(start, start + size), scratch[:size]
        words = place(piece, size)
        np.add(counter[:size], np.uint32((first + start) & MASK), out=words)
        _mix_words(words, spare)
        words ^= np.uint32(second)
        _mix_words(words, spare)
        yield piece, words


def _mix_words(words, spare):
    """`mix` of every element of a uint32 array, in place; `spare` is of its shape."""
    for shift, multiplier in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        words ^= np.right_shift(words, np.uint32(shift), out=spare)
        if multiplier is not None:
            words *= np.uint32(multiplier)


class Random(ABC):
    # The dtype of 32-bit words that are the state of a generator, as a tensor: one that holds them
    # all, and that functions of the framework take.
    seed_dtype: str = "int64"

    @abstractmethod
    def random_bits(self, key, shape):
        """Integers in [0, 2**32) of an integer dtype that holds them: element i is mix(mix(i +
        key[0]) ^ key[1]).

        `key` is a pair of Python ints, or an integer tensor (2,) of what `key_input` describes
        while a step is traced.
        """

    def uniform(self, key, shape, dtype):
        """[0, 1): the upper 24 bits of each word times 2**-24, exact in float32 and wider."""
        return self.multiply(
            self.cast(self.right_shift(self.random_bits(key, shape), 8), dtype), 2.0**-24
        )

    def normal(self, key, shape, dtype):
        """Standard normal by Box & Muller (1958), in pairs: the first half of the draws are radii,
        the second angles."""
        u = self.uniform(key, (2, math.prod(shape)), dtype)
        return self.reshape(self.normal_of(u), shape)

    def normal_of(self, u):
        """Standard normal (...) from uniform numbers (2, ...): radii and angles."""
        radius = self.sqrt(self.multiply(self.log(self.subtract(1.0, self.getitem(u, (0,)))), -2.0))
        angle = self.multiply(self.getitem(u, (1,)), 2 * math.pi)
        return self.multiply(radius, self.cos(angle))

    def keep_mask(self, key, shape, rate):
        """Bool tensor, True with probability 1 - rate: the word is at least rate * 2**32."""
        return self.greater_equal(self.random_bits(key, shape), min(MASK, round(rate * 2**32)))

    def dropout(self, x, key, rate, noise_shape=None):
        """Inverted dropout: kept elements are divided by 1 - rate. A None in `noise_shape` stands
        for the size in `x`."""
        shape = self.shape(x)
        if noise_shape is not None:
            shape = tuple(s if n is None else n for n, s in zip(noise_shape, shape, strict=True))
        scaled = self.multiply(x, 1.0 / (1.0 - rate))
        return self.where(self.keep_mask(key, shape, rate), scaled, self.full_like(x, 0))

"""The counter hash of the contract, in place and in pieces that fit the cache."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl.backend.contract.random import MASK, MULTIPLIERS, SHIFTS
from unidl_numpy.broadcasting import where_kept
from unidl_numpy.shaping import numpy_dtype
from unidl_numpy.tape import primitive

_PIECE = 1 << 15


def _mix(words, spare):
    """The contract's `mix` on a uint32 array in place; `spare` is of its shape."""
    for shift, multiplier in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        np.right_shift(words, np.uint32(shift), out=spare)
        np.bitwise_xor(words, spare, out=words)
        if multiplier is not None:
            np.multiply(words, np.uint32(multiplier), out=words)


def _pieces(key, count):
    """(slice, the words of that slice) for all of `count` elements; the words are overwritten by the next piece."""
    first, second = (np.uint32(int(word) & MASK) for word in key)
    counter = np.arange(min(count, _PIECE), dtype=np.uint32)
    buffer, spare = np.empty_like(counter), np.empty_like(counter)
    for start in range(0, count, _PIECE):
        n = min(_PIECE, count - start)
        words = buffer[:n]
        offset = np.uint32((int(first) + start) & MASK)
        np.add(counter[:n], offset, out=words)
        _mix(words, spare[:n])
        np.bitwise_xor(words, second, out=words)
        _mix(words, spare[:n])
        yield slice(start, start + n), words


def random_bits(key, shape):
    """uint32."""
    bits = np.empty(math.prod(shape), np.uint32)
    for where, words in _pieces(key, bits.size):
        bits[where] = words
    return bits.reshape(shape)


def uniform(key, shape, dtype):
    dtype = numpy_dtype(dtype)
    values = np.empty(math.prod(shape), dtype)
    for where, words in _pieces(key, values.size):
        np.right_shift(words, np.uint32(8), out=words)
        values[where] = words
        values[where] *= dtype.type(2.0**-24)
    return values.reshape(shape)


def keep_mask(key, shape, rate):
    threshold = np.uint32(min(MASK, round(rate * 2**32)))
    mask = np.empty(math.prod(shape), bool)
    for where, words in _pieces(key, mask.size):
        np.greater_equal(words, threshold, out=mask[where])
    return mask.reshape(shape)


@primitive
def dropout(x, key, rate, noise_shape=None):
    shape = x.shape
    if noise_shape is not None:
        shape = tuple([s if n is None else n for n, s in zip(noise_shape, shape, strict=True)])
    mask = keep_mask(key, shape, rate)
    scale = x.dtype.type(1.0 / (1.0 - rate))
    return where_kept(mask, np.asarray(x * scale)), (
        lambda g: where_kept(mask, np.asarray(g * scale)),
    )


class Random(contract.Random):
    random_bits = staticmethod(random_bits)
    uniform = staticmethod(uniform)
    keep_mask = staticmethod(keep_mask)
    dropout = staticmethod(dropout)

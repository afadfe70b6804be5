"""Random numbers by the contract's hash, piece by piece, in arrays that fit the cache."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl.backend.contract.random import MASK, host_bits, host_words
from unidl_numpy.broadcasting import where_kept
from unidl_numpy.shaping import numpy_dtype
from unidl_numpy.tape import primitive


def random_bits(key, shape):
    """uint32."""
    return host_bits(key, math.prod(shape)).reshape(shape)


def uniform(key, shape, dtype):
    dtype = numpy_dtype(dtype)
    values = np.empty(math.prod(shape), dtype)
    for where, words in host_words(key, values.size):
        np.right_shift(words, np.uint32(8), out=words)
        values[where] = words
        values[where] *= dtype.type(2.0**-24)
    return values.reshape(shape)


def keep_mask(key, shape, rate):
    threshold = np.uint32(min(MASK, round(rate * 2**32)))
    mask = np.empty(math.prod(shape), bool)
    for where, words in host_words(key, mask.size):
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

"""Random bits, computed on the host: MXNet has no unsigned 32-bit dtype to hash in.

In eager mode the numbers are uploaded. While a function is traced, each draw becomes an input of
the graph, which is filled before each run. Where only a mask or floats are needed, only those
travel.
"""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl.backend.contract.random import MASK, MULTIPLIERS, SHIFTS
from unidl_mxnet.traced import current_trace
from unidl_mxnet.transfer import from_numpy


def host_bits(key, shape) -> np.ndarray:
    """uint32 words of `shape`: element i is mix(mix(i + key[0]) ^ key[1])."""
    count = int(np.prod(shape, dtype="int64"))
    words = np.arange(count, dtype="uint32")
    words += np.uint32(int(key[0]) & MASK)
    spare = np.empty_like(words)
    _mix(words, spare)
    words ^= np.uint32(int(key[1]) & MASK)
    _mix(words, spare)
    return words.reshape(shape)


def _mix(words, spare):
    """One round of the contract's hash, in place."""
    for shift, multiplier in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        np.right_shift(words, np.uint32(shift), out=spare)
        words ^= spare
        if multiplier is not None:
            words *= np.uint32(multiplier)


class KeyRow:
    """The key that the host will draw as row `row` before each run of the traced function."""

    def __init__(self, row):
        self.row = row


class Draw:
    """Source of a graph input: `function(key)` is its array at each run."""

    def __init__(self, row, function):
        self.row, self.function = row, function


class Random(contract.Random):
    def _drawn(self, key, shape, dtype, function):
        """Tensor of the host array `function(key)`."""
        if isinstance(key, KeyRow):
            return current_trace().input(shape, dtype, Draw(key.row, function))
        return from_numpy(function(key))

    def random_bits(self, key, shape):
        shape = tuple(shape)
        return self._drawn(key, shape, "int64", lambda key: host_bits(key, shape).astype("int64"))

    def uniform(self, key, shape, dtype):
        shape = tuple(shape)

        def draw(key):
            words = host_bits(key, shape) >> np.uint32(8)
            return words.astype(dtype) * np.dtype(dtype).type(2.0**-24)

        return self._drawn(key, shape, dtype, draw)

    def keep_mask(self, key, shape, rate):
        shape = tuple(shape)
        threshold = np.uint32(min(MASK, round(rate * 2**32)))
        return self._drawn(key, shape, "bool", lambda key: host_bits(key, shape) >= threshold)

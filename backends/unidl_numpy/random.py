"""The counter hash of the contract, in place and in pieces that fit the cache."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend.contract.random import MASK, MULTIPLIERS, SHIFTS

_PIECE = 1 << 15


def _mix(words, spare):
    """The contract's `mix` on a uint32 array in place; `spare` is of its shape."""
    for shift, multiplier in zip(SHIFTS, (*MULTIPLIERS, None), strict=True):
        np.right_shift(words, np.uint32(shift), out=spare)
        np.bitwise_xor(words, spare, out=words)
        if multiplier is not None:
            np.multiply(words, np.uint32(multiplier), out=words)


def random_bits(key, shape):
    """uint32."""
    low, high = (int(word) & MASK for word in key)
    count = math.prod(shape)
    bits = np.arange(count, dtype=np.uint32)
    spare = np.empty(min(count, _PIECE), np.uint32)
    for start in range(0, count, _PIECE):
        words = bits[start : start + _PIECE]
        rest = spare[: len(words)]
        np.add(words, np.uint32(low), out=words)
        _mix(words, rest)
        np.bitwise_xor(words, np.uint32(high), out=words)
        _mix(words, rest)
    return bits.reshape(shape)

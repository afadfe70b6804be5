"""Portable random bits in wrap-around int32 arithmetic.

torch can multiply and shift int32 but hardly uint32, so a word is held as the int32 of the same bits, and a logical shift
is an arithmetic one whose copies of the sign bit are masked away.
"""

from __future__ import annotations

import math

import torch

from unidl.backend import contract
from unidl.backend.contract.random import MASK, MULTIPLIERS, SHIFTS
from unidl_torch.types import current_device, torch_dtype

# Elements hashed at a time on a CPU: the two buffers stay in its cache.
BLOCK = 1 << 17


def signed(word):
    """The int32 value with the bits of a 32-bit word."""
    return word - (1 << 32) if word >> 31 else word


_STEPS = tuple(
    (shift, (1 << (32 - shift)) - 1, factor) for shift, factor in zip(SHIFTS, (*map(signed, MULTIPLIERS), None), strict=True)
)


def _mix_(words, scratch):
    """`contract.random.mix` of each of int32 `words`, in place."""
    for shift, mask, factor in _STEPS:
        torch.bitwise_right_shift(words, shift, out=scratch)
        words.bitwise_xor_(scratch.bitwise_and_(mask))
        if factor is not None:
            words.mul_(factor)


def _mix(words):
    """The same without mutation, for a traced function, where the compiler fuses it into one loop."""
    for shift, mask, factor in _STEPS:
        words = words ^ ((words >> shift) & mask)
        if factor is not None:
            words = words * factor
    return words


def hash_words(key, count):
    """int32 tensor (count,) whose elements have the bits of mix(mix(i + key[0]) ^ key[1])."""
    device = current_device()
    if isinstance(key, torch.Tensor):
        first, second = key.to(torch.int32).unbind()
        return _mix(_mix(torch.arange(count, dtype=torch.int32, device=device) + first) ^ second)
    first, second = key[0], signed(key[1])
    words = torch.empty(count, dtype=torch.int32, device=device)
    block = min(count, BLOCK if device.type == "cpu" else 1 << 30)
    counter = torch.arange(block, dtype=torch.int32, device=device)
    scratch = torch.empty_like(counter)
    for start in range(0, count, block or 1):
        part = words[start : start + block]
        size = part.shape[0]
        torch.add(counter[:size], signed((first + start) & MASK), out=part)
        _mix_(part, scratch[:size])
        _mix_(part.bitwise_xor_(second), scratch[:size])
    return words


class Random(contract.Random):
    def random_bits(self, key, shape):
        return (hash_words(key, math.prod(shape)).long() & MASK).view(shape)

    def uniform(self, key, shape, dtype):
        upper = (hash_words(key, math.prod(shape)) >> 8) & 0xFFFFFF
        return (upper.to(torch_dtype(dtype)) * 2.0**-24).view(shape)

    def keep_mask(self, key, shape, rate):
        # Unsigned order is signed order with the top bit flipped.
        threshold = min(MASK, round(rate * 2**32))
        words = hash_words(key, math.prod(shape)) ^ signed(1 << 31)
        return (words >= signed(threshold ^ (1 << 31))).view(shape)

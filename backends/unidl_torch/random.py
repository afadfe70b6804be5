"""Portable random bits: on a CPU by the host's own generator, on a GPU and in a traced function by
torch's int32 arithmetic.

A call of NumPy costs a fraction of a call of torch, and NumPy has unsigned shifts, so on a CPU the
host is faster for small draws and for large ones. torch can multiply and shift int32 but hardly
uint32; there a word is held as the int32 of the same bits, and a logical shift is an arithmetic one
whose copies of the sign bit are masked away.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from unidl.backend import contract
from unidl.backend.contract.random import MASK, MULTIPLIERS, SHIFTS, host_words
from unidl_torch.types import current_device, torch_dtype


def signed(word):
    """The int32 value with the bits of a 32-bit word."""
    return word - (1 << 32) if word >> 31 else word


def _mix(words):
    """`contract.random.mix` of each of int32 `words`."""
    for shift, factor in zip(SHIFTS, (*map(signed, MULTIPLIERS), None), strict=True):
        words = words ^ ((words >> shift) & ((1 << (32 - shift)) - 1))
        if factor is not None:
            words = words * factor
    return words


def device_words(key, count, device):
    """int32 tensor (count,) whose elements have the bits of mix(mix(i + key[0]) ^ key[1]); `key`
    may be a tensor (2,)."""
    first, second = (
        key.to(torch.int32).unbind() if isinstance(key, torch.Tensor) else map(signed, key)
    )
    return _mix(_mix(torch.arange(count, dtype=torch.int32, device=device) + first) ^ second)


def _draw(key, shape, dtype, write, of_device_words):
    """Tensor of `shape`: by `write(uint32 words, array)` piece by piece, or by `of_device_words` of
    all int32 words at once."""
    device, count = current_device(), math.prod(shape)
    if device.type != "cpu" or isinstance(key, torch.Tensor):
        return of_device_words(device_words(key, count, device)).view(shape)
    result = torch.empty(count, dtype=dtype)
    array = result.numpy()
    for where, words in host_words(key, count):
        write(words, array[where])
    return result.view(shape)


class Random(contract.Random):
    def random_bits(self, key, shape):
        return _draw(key, shape, torch.int64, _write_bits, lambda words: words.long() & MASK)

    def uniform(self, key, shape, dtype):
        dtype = torch_dtype(dtype)
        # Narrow floats, of which NumPy has not all, pass through float32: it holds the 24 bits, and
        # they are rounded once.
        through = dtype if dtype.itemsize > 4 else torch.float32
        values = _draw(
            key,
            shape,
            through,
            _write_uniform,
            lambda words: ((words >> 8) & 0xFFFFFF).to(through) * 2.0**-24,
        )
        return values.to(dtype)

    def keep_mask(self, key, shape, rate):
        threshold = min(MASK, round(rate * 2**32))

        def write(words, mask):
            np.greater_equal(words, np.uint32(threshold), out=mask)

        def of_device_words(words):
            # Unsigned order is signed order with the top bit flipped.
            return (words ^ signed(1 << 31)) >= signed(threshold ^ (1 << 31))

        return _draw(key, shape, torch.bool, write, of_device_words)


def _write_bits(words, bits):
    bits[...] = words


def _write_uniform(words, values):
    words >>= np.uint32(8)
    np.multiply(words, values.dtype.type(2.0**-24), out=values, casting="unsafe")

"""The counter hash in uint32 arithmetic, which wraps around in XLA as it should."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from unidl.backend import contract
from unidl.backend.contract.random import MULTIPLIERS, SHIFTS


class Random(contract.Random):
    seed_dtype = "uint32"  # int64 would turn the 64-bit mode on

    def random_bits(self, key, shape):
        low, high = (
            k.astype(jnp.uint32) if isinstance(k, jax.Array) else jnp.uint32(k)
            for k in (key[0], key[1])
        )
        counter = jax.lax.iota(jnp.uint32, math.prod(shape))
        return _mix(_mix(counter + low) ^ high).reshape(shape)

    def keep_mask(self, key, shape, rate):
        return self.random_bits(key, shape) >= jnp.uint32(min(0xFFFFFFFF, round(rate * 2**32)))


def _mix(word):
    word ^= word >> SHIFTS[0]
    word *= jnp.uint32(MULTIPLIERS[0])
    word ^= word >> SHIFTS[1]
    word *= jnp.uint32(MULTIPLIERS[1])
    return word ^ (word >> SHIFTS[2])

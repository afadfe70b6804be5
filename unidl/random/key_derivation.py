"""Keys of random draws: a pair of 32-bit words, mixed from (seed, stream, counter).

The pair is the state of a 64-bit block cipher in CBC-MAC fashion: seed, stream and counter are
XORed in one after the other, each followed by four Feistel rounds, the number after which a Feistel
network is a pseudorandom permutation if its round function is random (Luby & Rackoff, SIAM J.
Comput. 17, 1988). The round function is the hash of `random_bits`, so nothing else has to be
trusted. A permutation maps different states to different states: the 2**64 keys of one stream are
all different.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend import registry
from unidl.backend.contract.random import MASK, mix
from unidl.typing import Tensor

Key = tuple[int, int]

# One odd constant a round, so that no round repeats another: the fractions of the square roots of
# 2, 3, 5, 7 (as in SHA-256).
ROUNDS = (0x6A09E667, 0xBB67AE85, 0x3C6EF373, 0xA54FF53B)


def absorb(state: Key, word: int) -> Key:
    """The state after the lower 64 bits of `word` (negative ints as two's complement)."""
    a = state[0] ^ (word & MASK)
    b = state[1] ^ ((word >> 32) & MASK)
    for constant in ROUNDS:
        a, b = b ^ mix((a + constant) & MASK), a
    return a, b


def stream_state(seed: int, stream: int) -> Key:
    """What all keys of one stream have in common; `absorb(state, counter)` gives key number
    `counter`."""
    return absorb(absorb((0, 0), seed), stream)


def derive_key(seed: int, stream: int = 0, counter: int = 0) -> Key:
    """The key of one draw."""
    return absorb(stream_state(seed, stream), counter)


def absorb_tensor(state: Tensor) -> tuple[Tensor, Tensor]:
    """(the key of `state`, the state after it): `absorb` where the stream's two words and the
    counter's two are a tensor (4,) in a function that is being compiled."""
    backend: Any = registry.owner_of_type(type(state))
    dtype = backend.dtype(state)

    def word(number: int) -> Tensor:
        return backend.asarray(np.array(number, dtype))

    def added(x: Tensor, number: int) -> Tensor:
        return backend.bitwise_and(backend.add(x, word(number)), word(MASK))

    def mixed(x: Tensor) -> Tensor:
        # random_bits mixes twice, and mix(0) is 0.
        bits = backend.random_bits(backend.stack([word(0), x], 0), (1,))
        return backend.getitem(backend.cast(bits, dtype), (0,))

    with backend.scope():
        first, second, low, high = (backend.getitem(state, (i,)) for i in range(4))
        a, b = backend.bitwise_xor(first, low), backend.bitwise_xor(second, high)
        for constant in ROUNDS:
            a, b = backend.bitwise_xor(b, mixed(added(a, constant))), a
        after = added(low, 1)
        carry = backend.cast(backend.equal(after, word(0)), dtype)
        high = backend.bitwise_and(backend.add(high, carry), word(MASK))
        return backend.stack([a, b], 0), backend.stack([first, second, after, high], 0)

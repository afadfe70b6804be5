"""Keys of random draws: a pair of 32-bit words, mixed from (seed, stream, counter).

The pair is the state of a 64-bit block cipher in CBC-MAC fashion: seed, stream and counter are
XORed in one after the other, each followed by four Feistel rounds, the number after which a Feistel
network is a pseudorandom permutation if its round function is random (Luby & Rackoff, SIAM J.
Comput. 17, 1988). The round function is the hash of `random_bits`, so nothing else has to be
trusted. A permutation maps different states to different states: the 2**64 keys of one stream are
all different.
"""

from __future__ import annotations

from unidl.backend.contract.random import MASK, mix

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

"""Keys: well mixed in both words, different for different (seed, stream, counter)."""

import numpy as np
import pytest

from unidl.random import SeedGenerator, get_global_state, numpy_draws, set_global_state
from unidl.random.key_derivation import absorb, derive_key, stream_state
from unidl.random.seed_generator import draw_key, global_seed_generator
from unidl.tracing import feed
from unidl.utils import set_random_seed


def _keys(seeds, streams, counters):
    return np.array(
        [derive_key(a, b, c) for a in seeds for b in streams for c in counters], dtype="uint64"
    )


def test_a_hundred_thousand_keys_are_different():
    keys = _keys(range(50), range(40), range(50))
    packed = (keys[:, 0] << np.uint64(32)) | keys[:, 1]
    assert len(np.unique(packed)) == 100_000
    # Either word alone has as many repetitions as chance gives: n**2 / 2**33 = 1.2.
    for word in keys.T:
        assert len(np.unique(word)) > 100_000 - 12


def test_every_bit_is_balanced():
    keys = _keys(range(20), range(20), range(25))
    bits = (keys[:, :, None] >> np.arange(32, dtype="uint64")) & np.uint64(1)
    # 10,000 throws: a standard deviation is 0.005, 64 bits.
    assert np.abs(bits.mean(0) - 0.5).max() < 0.02


@pytest.mark.parametrize(
    "change", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1 << 31, 0, 0), (1 << 32, 0, 0), (0, 0, 1 << 40)]
)
def test_a_changed_bit_changes_half_of_all_bits(change):
    flips = []
    for i in range(500):
        a = derive_key(i, i + 1, i + 2)
        b = derive_key(*(x ^ y for x, y in zip((i, i + 1, i + 2), change, strict=True)))
        flips.append([(a[w] ^ b[w]) >> k & 1 for w in (0, 1) for k in range(32)])
    rate = np.mean(flips, axis=0)
    assert 0.37 < rate.min() <= rate.max() < 0.63


def test_streams_and_steps_are_uncorrelated():
    n = 20_000
    draws = [
        numpy_draws.uniform(derive_key(0, stream, counter), (n,), "float64")
        for stream in range(5)
        for counter in range(5)
    ]
    correlation = np.corrcoef(draws) - np.eye(25)
    assert np.abs(correlation).max() < 5 / np.sqrt(n)
    shifted = np.corrcoef([d[:-1] for d in draws], [d[1:] for d in draws])
    assert np.abs(shifted - np.eye(50)).max() < 5 / np.sqrt(n)


def test_golden_values():
    """The definition itself: changing it changes every saved run."""
    assert derive_key(0) == GOLDEN[0]
    assert derive_key(42, 3, 7) == GOLDEN[1]
    assert derive_key(-1) == derive_key(2**64 - 1)
    assert absorb(stream_state(42, 3), 7) == derive_key(42, 3, 7)
    assert numpy_draws.bits((1, 2), (3,)).tolist() == GOLDEN[2]


GOLDEN = [(3649461150, 2365346848), (3811403202, 2968232814), [3405767568, 4056789687, 3568491650]]


def test_a_generator_goes_on_and_can_be_set_back():
    generator = SeedGenerator(5)
    first = [generator.advance() for _ in range(3)]
    assert len(set(first)) == 3
    assert first[0] == draw_key(5)
    generator.counter = 1
    assert generator.next() == first[1]
    again = SeedGenerator.from_config(generator.get_config())
    assert [again.advance() for _ in range(3)] == first


def test_set_random_seed_numbers_streams_anew():
    def script():
        set_random_seed(7)
        return [
            SeedGenerator().advance(),
            SeedGenerator().advance(),
            draw_key(None),
            draw_key(None),
        ]

    first = script()
    assert len(set(first)) == 4
    assert script() == first
    set_random_seed(8)
    assert SeedGenerator().advance() != first[0]


def test_all_randomness_can_be_resumed():
    set_random_seed(7)
    generator = SeedGenerator()
    generator.advance(), draw_key(None)
    before = get_global_state(), generator.get_state()

    def go_on():
        return generator.advance(), draw_key(None), SeedGenerator().advance()

    first = go_on()
    set_random_seed(99)
    generator.restart(1, 1)
    set_global_state(before[0])
    generator.set_state(before[1])
    assert go_on() == first


def test_the_global_generator_is_not_that_of_an_equal_seed():
    set_random_seed(7)
    assert draw_key(None) != draw_key(7)


def test_reseeding_reaches_a_compiled_function():
    before = global_seed_generator()
    set_random_seed(1)
    assert global_seed_generator() is before


def test_a_fixed_seed_is_a_constant_in_a_trace_and_a_generator_an_input():
    generator = SeedGenerator(1)
    tape = feed.KeyFeed()
    with tape.tracing(lambda row: ("row", row), lambda row: row):
        assert draw_key(9) == derive_key(9)
        assert draw_key(generator) == ("row", 0)
        assert draw_key(generator) == ("row", 1)
    assert generator.counter == 0
    assert tape.draw().tolist() == [list(derive_key(1, 0, i)) for i in range(2)]
    assert generator.counter == 2


def test_wrong_seeds():
    with pytest.raises(ValueError, match="SeedGenerator"):
        draw_key("a")
    with pytest.raises(ValueError, match="int or None"):
        SeedGenerator(0.5)
    with pytest.raises(ValueError, match="expected an int"):
        set_random_seed("a")

"""The host hash against the contract's reference, eager and compiled."""

from __future__ import annotations

import numpy as np

from unidl.backend.contract.random import MASK, mix
from unidl.tracing.feed import next_key

KEY = (0x9E3779B9, 0x7F4A7C15)


class Counter:
    """A generator: key (i, 7) at its i-th call."""

    def __init__(self):
        self.i = 0

    def advance(self):
        self.i += 1
        return (self.i, 7)


def reference(key, count):
    return [mix(mix((i + key[0]) & MASK) ^ key[1]) for i in range(count)]


def test_bits(backend):
    bits = backend.random_bits(KEY, (2, 3))
    assert backend.dtype(bits) == "int64"
    np.testing.assert_array_equal(backend.to_numpy(bits).ravel(), reference(KEY, 6))


def test_uniform_and_mask_are_those_of_the_default_body(backend):
    words = np.array(reference(KEY, 1000))
    np.testing.assert_array_equal(
        backend.to_numpy(backend.uniform(KEY, (1000,), "float32")),
        ((words >> 8) * 2.0**-24).astype("float32"),
    )
    np.testing.assert_array_equal(
        backend.to_numpy(backend.keep_mask(KEY, (10, 100), 0.3)).ravel(),
        words >= round(0.3 * 2**32),
    )
    assert backend.to_numpy(backend.keep_mask(KEY, (8,), 1.0)).sum() == 0


def test_normal(backend):
    x = backend.to_numpy(backend.normal(KEY, (4000,), "float64"))
    assert abs(x.mean()) < 0.05
    assert abs(x.std() - 1) < 0.05


def test_compiled_draws_are_new_at_each_run_and_equal_the_eager_ones(backend):
    eager, traced = Counter(), Counter()

    def draw(generator):
        return [
            backend.random_bits(next_key(generator), (5,)),
            backend.uniform(next_key(generator), (2, 2), "float64"),
            backend.normal(next_key(generator), (3,), "float32"),
            backend.keep_mask(next_key(generator), (6,), 0.5),
        ]  # fmt: skip

    compiled = backend.compile(lambda: draw(traced), [])
    seen = []
    for _ in range(3):
        got, want = compiled(), draw(eager)
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(backend.to_numpy(g), backend.to_numpy(w))
        seen.append(backend.to_numpy(got[0]).tolist())
    assert seen[0] != seen[1] != seen[2]


def test_dropout(backend):
    x = backend.asarray(np.ones((4, 5), "float32"))
    y = backend.to_numpy(backend.dropout(x, KEY, 0.25, (None, 1)))
    assert set(np.unique(y)) <= {np.float32(0), np.float32(1 / 0.75)}
    assert (y == y[:, :1]).all()

"""Chi-squared tests of the bits themselves, and a table with every function of `unidl.random`: the
same on every backend.

Seeds are fixed, so nothing here can fail by chance.
"""

import numpy as np
import pytest

from unidl import random
from unidl.backend import use_backend
from unidl.random import numpy_draws
from unidl.random.key_derivation import derive_key

N = 1 << 16


def _chi_squared(cells, of):
    """Pearson's statistic of integers in [0, of) against the even distribution."""
    counts = np.bincount(np.ravel(cells), minlength=of)
    expected = np.size(cells) / of
    return ((counts - expected) ** 2 / expected).sum()


# 255 degrees of freedom: once in a thousand above 330.5, once in a thousand below 190.
LOW, HIGH = 190.0, 330.5


@pytest.mark.parametrize(
    "key", [(0, 0), derive_key(0), derive_key(1), derive_key(0, 3, 7)], ids=str
)
def test_every_byte_is_even(key):
    words = numpy_draws.bits(key, (N,))
    for shift in (0, 8, 16, 24):
        assert LOW < _chi_squared((words >> np.uint32(shift)) & np.uint32(255), 256) < HIGH


def _pairs(a, b):
    """Cells of the upper four bits of two words."""
    return (a >> np.uint32(28)) * np.uint32(16) + (b >> np.uint32(28))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, 0, 0), (0, 0, 1)),
        ((0, 0, 0), (0, 1, 0)),
        ((0, 0, 0), (1, 0, 0)),
        ((5, 2, 9), (5, 3, 9)),
        ((5, 2, 9), (5, 2, 10)),
    ],
    ids=["counters", "streams", "seeds", "own streams", "later counters"],
)
def test_streams_are_independent(one, other):
    a, b = (numpy_draws.bits(derive_key(*parts), (N,)) for parts in (one, other))
    assert LOW < _chi_squared(_pairs(a, b), 256) < HIGH
    assert LOW < _chi_squared(_pairs(a[1:], b[:-1]), 256) < HIGH


def test_neighbours_are_independent():
    words = numpy_draws.bits(derive_key(4), (N + 16,))
    for lag in (1, 2, 3, 16):
        assert LOW < _chi_squared(_pairs(words[:N], words[lag : N + lag]), 256) < HIGH


X = np.arange(24.0, dtype="float32").reshape(6, 4)
# What is made of integers is equal to the last bit, what goes through logarithms agrees to
# rounding.
EXACT = {
    "uniform": lambda b: random.uniform((50,), -1, 3, seed=1),
    "randint": lambda b: random.randint((50,), -7, 1000, seed=1),
    "bernoulli": lambda b: random.bernoulli((50,), 0.3, seed=1),
    "binomial": lambda b: random.binomial((50,), 5, 0.3, seed=1),
    "dropout": lambda b: random.dropout(b.asarray(X), 0.5, seed=1),
    "shuffle": lambda b: random.shuffle(b.asarray(X), seed=1),
    "permutation": lambda b: b.asarray(random.permutation(9, seed=1)),
    "categorical": lambda b: random.categorical(
        np.log([[0.2, 0.3, 0.5]]).astype("float32"), 50, seed=1
    ),
}
ROUNDED = {
    "normal": lambda b: random.normal((50,), 1.0, 2.0, seed=1),
    "truncated_normal": lambda b: random.truncated_normal((50,), seed=1),
    "gamma": lambda b: random.gamma((50,), 0.7, seed=1),
    "beta": lambda b: random.beta((50,), 2.0, 3.0, seed=1),
}


@pytest.mark.parametrize("name", [*EXACT, *ROUNDED])
def test_the_same_on_every_backend(backend, name):
    def draw(which):
        with use_backend(which) as b:
            return b.to_numpy((EXACT | ROUNDED)[name](b))

    ours, reference = draw(backend), draw("numpy")
    assert ours.dtype == reference.dtype
    np.testing.assert_allclose(
        ours, reference, rtol=0 if name in EXACT else 2e-6, atol=0 if name in EXACT else 2e-6
    )


def test_no_function_is_forgotten():
    functions = {
        name
        for name in random.__all__
        if callable(getattr(random, name)) and not isinstance(getattr(random, name), type)
    }
    assert {*EXACT, *ROUNDED} == functions - {"get_global_state", "set_global_state"}

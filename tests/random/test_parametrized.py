"""gamma, beta and binomial: their distributions, and the same numbers on every backend."""

import numpy as np
import pytest

from unidl import random
from unidl.backend import Variable, use_backend
from unidl.backend.errors import UnsupportedError
from unidl.random import SeedGenerator

N = 20_000


def _draws(name, dtype):
    alphas = np.array([0.2, 1.0, 1.5, 8.0])
    with use_backend(name) as b:
        return [
            b.to_numpy(x)
            for x in (
                random.gamma((3000, 4), alphas, dtype, seed=1),
                random.beta((3000, 4), alphas, 2.0, dtype, seed=2),
                random.beta((3000,), 0.3, 0.6, dtype, seed=3),
                random.binomial((3000, 4), 9, [0.0, 0.3, 0.5, 1.0], dtype, seed=4),
                random.binomial((200, 3), [1, 40, 0], 0.25, dtype, seed=5),
            )
        ]


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 2.0**-23)])
def test_all_backends_draw_the_same(backend, dtype, rtol):
    draws = zip(_draws(backend, dtype), _draws("numpy", dtype), strict=True)
    for i, (ours, reference) in enumerate(draws):
        assert str(ours.dtype) == dtype
        if i < 3:
            np.testing.assert_allclose(ours, reference, rtol=rtol, atol=1e-300)
        else:
            np.testing.assert_array_equal(ours, reference)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.5, 50.0])
def test_gamma_has_its_moments(alpha):
    """Mean and variance are alpha, the third central moment 2 alpha; the bounds are five standard
    errors or more."""
    x = np.asarray(random.gamma((N,), alpha, "float64", seed=1))
    assert x.min() > 0
    assert x.mean() == pytest.approx(alpha, abs=5 * np.sqrt(alpha / N))
    assert x.var() == pytest.approx(alpha, rel=5 * np.sqrt((2 + 6 / alpha) / N))
    assert ((x - alpha) ** 3).mean() == pytest.approx(2 * alpha, rel=0.4)


def test_gamma_of_one_is_exponential_and_beta_of_ones_uniform():
    """Kolmogorov & Smirnov's statistic times sqrt(n), above 1.95 once in a thousand."""
    steps = np.arange(1, N + 1) / N
    x = np.sort(random.gamma((N,), 1.0, "float64", seed=7))
    assert np.sqrt(N) * np.abs(1 - np.exp(-x) - steps).max() < 1.95
    y = np.sort(random.beta((N,), 1.0, 1.0, "float64", seed=7))
    assert np.sqrt(N) * np.abs(y - steps).max() < 1.95


def test_beta_has_its_moments():
    x = np.asarray(random.beta((N,), 2.0, 5.0, "float64", seed=1))
    assert 0 < x.min() <= x.max() < 1
    assert x.mean() == pytest.approx(2 / 7, abs=0.006)
    assert x.var() == pytest.approx(10 / (49 * 8), rel=0.06)


def test_binomial_frequencies():
    x = np.asarray(random.binomial((N,), 3, 0.4, seed=1)).astype(int)
    expected = N * np.array([0.216, 0.432, 0.288, 0.064])
    assert (
        (np.bincount(x, minlength=4) - expected) ** 2 / expected
    ).sum() < 16.3  # chi-squared, 3 degrees: once in a thousand
    assert not np.any(random.binomial((5,), 0, 0.5, seed=1))


def test_compiled_functions_draw_anew(backend):
    with use_backend(backend) as b:

        def draw(generator):
            return b.compile(lambda a: random.gamma((5,), a, "float64", seed=generator), [])

        run, eager = draw(SeedGenerator(9)), SeedGenerator(9)
        alpha = b.asarray(np.full(5, 0.7))
        for _ in range(2):
            expected = b.to_numpy(random.gamma((5,), alpha, "float64", seed=eager))
            np.testing.assert_allclose(b.to_numpy(run(alpha)), expected, rtol=1e-13)


def test_errors():
    with pytest.raises(ValueError, match="gamma: alpha must be positive, got 0"):
        random.gamma((2,), 0)
    with pytest.raises(ValueError, match="beta: beta must be positive, got -1"):
        random.beta((2,), 1, -1)
    with pytest.raises(ValueError, match="must not be negative, got -2"):
        random.binomial((2,), [1, -2], 0.5)
    with pytest.raises(ValueError, match="gamma: dtype must be a float dtype"):
        random.gamma((2,), 1.0, "int32")
    with pytest.raises(UnsupportedError, match="binomial: counts must be known"):
        random.binomial((2,), Variable(3.0), 0.5)

"""Random tensors: the same on every backend, with the distribution that their name promises."""

import math

import numpy as np
import pytest

from unidl import ops, random
from unidl.backend import Variable, use_backend
from unidl.random import SeedGenerator, numpy_draws
from unidl.random.key_derivation import derive_key
from unidl.utils import set_random_seed

N = 20_000


def _cdf_distance(x, cdf):
    """Kolmogorov & Smirnov's statistic times sqrt(n); above 1.95 once in a thousand."""
    x = np.sort(np.asarray(x, "float64").ravel())
    p = np.vectorize(cdf)(x)
    n = x.size
    return math.sqrt(n) * max(
        np.abs(p - np.arange(n) / n).max(), np.abs(p - np.arange(1, n + 1) / n).max()
    )


def _phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def test_bits_and_orders_are_identical(backend):
    with use_backend(backend) as b:
        for dtype in ("float32", "float64"):
            np.testing.assert_array_equal(
                b.to_numpy(random.uniform((3, 5, 7), dtype=dtype, seed=3)),
                numpy_draws.uniform(derive_key(3), (3, 5, 7), dtype),
            )
        x = np.arange(60.0).reshape(20, 3)
        order = random.permutation(20, seed=4)
        assert sorted(order) == list(range(20))
        np.testing.assert_array_equal(b.to_numpy(random.shuffle(b.asarray(x), seed=4)), x[order])
        np.testing.assert_array_equal(
            b.to_numpy(random.shuffle(b.asarray(x.T), axis=1, seed=4)), x[order].T
        )


def test_all_draws_agree_with_numpy(backend):
    def draw(name):
        with use_backend(name) as b:
            return [
                b.to_numpy(x)
                for x in (
                    random.uniform((N,), -3, 5, seed=1),
                    random.normal((N,), 1.0, 2.0, seed=2),
                    random.truncated_normal((N,), seed=3),
                    random.randint((N,), -5, 2**30, seed=4),
                    random.randint((N,), 0, 7, dtype="int64", seed=4),
                    random.bernoulli((N,), 0.3, seed=5),
                    random.categorical(
                        np.log([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]).astype("float32"), 500, seed=6
                    ),
                    random.dropout(b.asarray(np.ones((50, 40), "float32")), 0.3, seed=7),
                    random.dropout(
                        b.asarray(np.ones((50, 40), "float32")), 0.3, noise_shape=(None, 1), seed=8
                    ),
                )
            ]

    for ours, reference in zip(draw(backend), draw("numpy"), strict=True):
        assert ours.dtype == reference.dtype
        assert ours.shape == reference.shape
        if ours.dtype.kind == "i" or set(np.unique(reference)) <= {0.0, 1.0}:
            np.testing.assert_array_equal(ours, reference)
        else:
            np.testing.assert_allclose(ours, reference, rtol=2e-6, atol=2e-6)


def test_uniform():
    x = numpy_draws.uniform(derive_key(1), (N,))
    assert x.dtype == np.float32
    assert _cdf_distance(x, lambda v: v) < 1.95
    assert 0 <= x.min() <= x.max() < 1
    y = random.uniform((1000,), minval=2, maxval=3, seed=1)
    assert 2 <= y.min() <= y.max() < 3


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_never_reaches_one(dtype):
    x = np.asarray(random.uniform((200_000,), dtype=dtype, seed=1))
    assert x.dtype == dtype
    assert 0 <= x.min() <= x.max() < 1


def test_normal_and_truncated_normal():
    assert _cdf_distance(numpy_draws.normal(derive_key(1), (N,)), _phi) < 1.95
    x = numpy_draws.truncated_normal(derive_key(2), (N,), "float64")
    low, mass = _phi(-2), math.erf(math.sqrt(2))
    assert _cdf_distance(x, lambda v: (_phi(v) - low) / mass) < 1.95
    assert np.abs(x).max() <= 2
    assert x.std() == pytest.approx(0.87962566103423978, rel=0.02)


def test_the_normal_quantile_is_exact():
    """Against bisection of the distribution function, and against erfinv of the backend
    contract."""
    from statistics import NormalDist

    p = np.linspace(-0.47, 0.47, 301)
    expected = [NormalDist().inv_cdf(0.5 + v) for v in p]
    np.testing.assert_allclose(numpy_draws._normal_quantile(p), expected, rtol=1e-13, atol=1e-15)
    for x in (0.3, 1.9):
        assert numpy_draws._normal_quantile(np.array([_phi(x) - 0.5]))[0] == pytest.approx(
            x, rel=1e-12
        )


def test_host_normal_is_that_of_the_backends():
    with use_backend("numpy") as b:
        ours = b.to_numpy(random.normal((N,), dtype="float64", seed=5))
        np.testing.assert_allclose(
            numpy_draws.normal(derive_key(5), (N,), "float64"), ours, rtol=1e-12, atol=1e-14
        )
        cut = b.to_numpy(random.truncated_normal((N,), dtype="float64", seed=5))
        np.testing.assert_allclose(
            numpy_draws.truncated_normal(derive_key(5), (N,), "float64"),
            cut,
            rtol=1e-11,
            atol=1e-12,
        )


def test_randint_is_even():
    counts = np.bincount(random.randint((70_000,), 0, 7, seed=1), minlength=7)
    assert (
        (counts - 10_000) ** 2 / 10_000
    ).sum() < 22.5  # chi-squared, 6 degrees: once in a thousand
    wide = random.randint((N,), 0, 3 * 2**29, seed=2)
    # A word modulo 3 * 2**29 would favour the lower third by half.
    assert np.mean(wide < 2**29) == pytest.approx(1 / 3, abs=0.015)


def test_categorical_and_bernoulli_frequencies():
    x = random.categorical(np.log([[0.1, 0.2, 0.7]]), N, seed=1)
    np.testing.assert_allclose(np.bincount(x[0]) / N, [0.1, 0.2, 0.7], atol=0.015)
    assert np.mean(random.bernoulli((N,), 0.3, seed=2)) == pytest.approx(0.3, abs=0.015)
    assert random.bernoulli((5,), 0.0, seed=1).tolist() == [0] * 5
    assert random.bernoulli((5,), 1.0, seed=1).tolist() == [1] * 5


def test_dropout():
    x = np.ones((400, 50), "float32")
    y = random.dropout(x, 0.25, seed=1)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.015)
    shared = random.dropout(x, 0.25, noise_shape=(None, 1), seed=1)
    assert (shared == shared[:, :1]).all()
    assert random.dropout(x, 0.0) is x
    assert not random.dropout(x, 1.0).any()


def test_seeds_mean_what_they_mean_in_keras():
    a = random.uniform((4,), seed=3)
    np.testing.assert_array_equal(a, random.uniform((4,), seed=3))
    generator = SeedGenerator(3)
    np.testing.assert_array_equal(a, random.uniform((4,), seed=generator))
    assert (random.uniform((4,), seed=generator) != a).any()
    set_random_seed(1)
    first = random.uniform((4,))
    assert (random.uniform((4,)) != first).any()
    set_random_seed(1)
    np.testing.assert_array_equal(random.uniform((4,)), first)


def test_compiled_functions_draw_anew_and_as_the_eager_ones(backend):
    with use_backend(backend) as b:
        v = Variable(np.zeros(3))

        def draw(generator):
            return b.compile(lambda x: ops.add(x, random.uniform((5,), seed=generator)), [v])

        run = draw(SeedGenerator(9))
        x = b.asarray(np.zeros(5, "float32"))
        compiled = [b.to_numpy(run(x)) for _ in range(3)]
        eager = SeedGenerator(9)
        for value in compiled:
            np.testing.assert_array_equal(value, b.to_numpy(random.uniform((5,), seed=eager)))


def test_errors():
    with pytest.raises(ValueError, match="float dtype"):
        random.uniform((2,), dtype="int32")
    with pytest.raises(ValueError, match="integer dtype"):
        random.randint((2,), 0, 3, dtype="float32")
    with pytest.raises(ValueError, match="minval < maxval"):
        random.randint((2,), 3, 3)
    with pytest.raises(ValueError, match="rate"):
        random.dropout(np.ones(2), 1.5)
    with pytest.raises(ValueError, match="probability"):
        random.bernoulli((2,), 2)
    with pytest.raises(ValueError, match=r"\(n, classes\)"):
        random.categorical(np.zeros(3), 2)

"""Kinks, ties and zeros, where TensorFlow's own gradients are others, None, or NaN."""

import numpy as np
import pytest

from tests.backends.tensorflow.checks import check

KINKS = np.array([0.0, -0.0, 0.5, 1.5, 2.5, -0.5, 6.0, 7.0])


def slopes(*columns):
    """Gradients for `check`: the given slope of each input times the weights."""
    return lambda weights, *_: [weights * np.asarray(c) for c in columns]


@pytest.mark.parametrize("name", ["round", "floor", "ceil", "trunc", "sign"])
def test_steps_have_no_slope(name):
    check(lambda b, x: getattr(b, name)(x), getattr(np, name), KINKS, gradients=slopes(np.zeros(8)))


@pytest.mark.parametrize(
    ("function", "reference", "slope"),
    [
        (lambda b, x: b.abs(x), np.abs, np.sign(KINKS)),
        (lambda b, x: b.relu(x), lambda x: np.maximum(x, 0), KINKS > 0),
        (lambda b, x: b.relu6(x), lambda x: np.clip(x, 0, 6), (KINKS > 0) & (KINKS < 6)),
        (
            lambda b, x: b.leaky_relu(x, 0.1),
            lambda x: np.where(x > 0, x, 0.1 * x),
            np.where(KINKS > 0, 1, 0.1),
        ),
        (lambda b, x: b.clip(x, 0, 6), lambda x: np.clip(x, 0, 6), (KINKS >= 0) & (KINKS <= 6)),
        (lambda b, x: b.maximum(x, 0.0), lambda x: np.maximum(x, 0), (np.sign(KINKS) + 1) / 2),
        (
            lambda b, x: b.minimum(1.5, x),
            lambda x: np.minimum(x, 1.5),
            (np.sign(1.5 - KINKS) + 1) / 2,
        ),
    ],
)
def test_kinks(function, reference, slope):
    check(function, reference, KINKS, gradients=slopes(slope))


@pytest.mark.parametrize("name", ["max", "min"])
def test_reduction_splits_ties(name):
    x = np.array([2.0, 1.0, 2.0, 1.0])
    chosen = x == getattr(np, name)(x)
    check(
        lambda b, x: getattr(b, name)(x, 0),
        getattr(np, name),
        x,
        gradients=lambda w, _: [w * chosen / 2],
    )


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
def test_products_of_zeros(x):
    check(lambda b, x: b.prod(x, 0), np.prod, np.array(x))
    check(lambda b, x: b.cumprod(x, 0), np.cumprod, np.array(x))


def test_power_of_zero():
    x, y = np.array([0.0, 0.0, 0.0, 2.0, -2.0]), np.array([0.0, 1.0, 2.0, 0.0, 2.0])
    check(
        lambda b, x, y: b.power(x, y),
        np.power,
        x,
        y,
        gradients=slopes([0, 1, 0, 0, -4], [0, 0, 0, np.log(2), 0]),
    )


def test_where_ignores_nan_in_the_branch_not_taken():
    x, y = np.array([1.0, 2.0]), np.array([np.nan, 4.0])
    check(
        lambda b, x, y: b.where(b.less(x, 1.5), x, y),
        lambda x, y: np.where(x < 1.5, x, y),
        x,
        y,
        gradients=slopes([1, 0], [0, 1]),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_pool_gives_the_gradient_to_the_first_of_equals(dtype, rank):
    first = np.zeros((1, *(4,) * rank, 1))
    first[(slice(None), *(slice(None, None, 2),) * rank)] = 1

    def gradient(weights, x):
        spread = weights
        for axis in range(1, rank + 1):
            spread = np.repeat(spread, 2, axis)
        return [spread * first]

    window = (2,) * rank
    zeros = np.zeros((1, *window, 1))
    check(
        lambda b, x: b.max_pool(x, window, window, "valid"), lambda x: zeros, np.zeros_like(first),
        gradients=gradient, dtypes=[dtype]
    )  # fmt: skip

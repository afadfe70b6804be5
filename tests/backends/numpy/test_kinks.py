"""What unidl defines at kinks, ties and edges."""

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B, gradients


def slope(function, *arrays):
    """Gradients of the sum."""
    with B.scope():
        return [
            g.tolist()
            for g in gradients(
                lambda *xs: B.sum(function(*xs)), *[np.array(x, "float32") for x in arrays]
            )[1]
        ]


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (B.abs, [-2.0, 0.0, 3.0], [-1, 0, 1]),
        (B.relu, [-1.0, 0.0, 1.0], [0, 0, 1]),
        (B.relu6, [-1.0, 0.0, 1.0, 6.0, 7.0], [0, 0, 1, 0, 0]),
        (lambda x: B.leaky_relu(x, 0.5), [-1.0, 0.0, 1.0], [0.5, 0.5, 1]),
        (lambda x: B.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0], [0, 1, 1, 1, 0]),
        (B.softplus, [-200.0, 0.0, 200.0], [0, 0.5, 1]),
        (lambda x: B.max(x), [2.0, 1.0, 2.0, 2.0], [1 / 3, 0, 1 / 3, 1 / 3]),
        (lambda x: B.min(x, 0), [1.0, 2.0, 1.0], [0.5, 0, 0.5]),
        (
            lambda x: B.max_pool(B.reshape(x, (1, 4, 1)), (2,), (2,), "valid"),
            [5.0, 5.0, 1.0, 1.0],
            [1, 0, 1, 0],
        ),
        (lambda x: B.power(x, 0.0), [0.0, 2.0], [0, 0]),
        (lambda x: B.power(x, 2), [0.0, 3.0], [0, 6]),
        (lambda x: B.prod(x), [0.0, 2.0, 3.0], [6, 0, 0]),
    ],
)
def test_kink(function, x, expected):
    np.testing.assert_allclose(slope(function, x)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("function", [B.maximum, B.minimum])
def test_ties_are_split(function):
    assert slope(function, [1.0, 2.0], [1.0, 3.0]) == [
        [0.5, 0 if function is B.maximum else 1],
        [0.5, 1 if function is B.maximum else 0],
    ]


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc", "sign"])
def test_steps_have_gradient_zero(name):
    x = np.array([0.5, -1.5, 2.0])
    _, grads = gradients(lambda x: B.add(B.sum(x), B.sum(getattr(B, name)(x))), x)
    np.testing.assert_array_equal(grads[0], 1)


def test_round_halves_to_even():
    np.testing.assert_array_equal(B.round(np.array([0.5, 1.5, 2.5, -0.5])), [0, 2, 2, 0])


def test_where_takes_the_gradient_of_the_branch_taken():
    assert slope(
        lambda a, b: B.where(np.array([True, False]), a, b), [1.0, np.nan], [np.nan, 2.0]
    ) == [[1, 0], [0, 1]]


def test_average_divides_by_real_elements():
    np.testing.assert_array_equal(
        B.avg_pool(np.ones((1, 3, 3, 1), "float32"), (2, 2), (2, 2), "same"), np.ones((1, 2, 2, 1))
    )


def test_variance_in_two_passes():
    x = (100 + 0.01 * np.random.default_rng(0).normal(size=(1000, 1))).astype("float32")
    _, _, var = B.batch_norm_training(x, None, None, (0,), 1e-3)
    exact = x.astype("float64").var()
    assert abs(float(var[0]) - exact) < 1e-3 * exact
    assert abs(float(B.var(x)) - exact) < 1e-3 * exact


def test_sums_over_many_rows_keep_their_digits():
    x = np.random.default_rng(0).uniform(0, 1, (100_003, 3)).astype("float32")
    error = np.abs(B.sum(x, 0) - x.astype("float64").sum(0)) / x.astype("float64").sum(0)
    assert error.max() < 4 * 2.0**-24


def test_minus_infinity_is_a_mask():
    x = np.array([[1.0, -np.inf, 2.0], [-np.inf, -np.inf, 3.0]], "float32")
    with B.scope():
        assert np.isfinite(B.softmax(x)).all()
        assert B.logsumexp(x[:, :2], -1)[1] == -np.inf

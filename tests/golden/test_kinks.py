"""Where a formula has no derivative, or divides by nothing: what is defined there."""

import numpy as np
import pytest

from tests.golden.pinned import pinned
from unidl import Variable, activations, losses, ops, value_and_grad


def _gradient(function, at):
    v = Variable(np.array(at), dtype="float64")
    return value_and_grad(lambda: ops.sum(function(v.value)), [v])[1][0]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"axis": -1},
        {"ord": 2, "axis": -1},
        {"ord": 3, "axis": -1},
        {"ord": "fro", "axis": (0, 1)},
    ],
)
def test_the_norm_of_a_zero_vector_has_the_gradient_0(backend, arguments):
    found = _gradient(lambda x: ops.norm(x, **arguments), [[0.0, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(ops.convert_to_numpy(found), 0)


def test_a_root_at_0_has_the_gradient_infinity(backend):
    np.testing.assert_array_equal(
        ops.convert_to_numpy(_gradient(ops.sqrt, [0.0, 4.0])), [np.inf, 0.25]
    )


def test_celu_is_smooth_at_0(backend):
    """Its two halves meet with the slope 1, not 2."""
    np.testing.assert_array_equal(
        ops.convert_to_numpy(_gradient(activations.celu, [0.0, -0.0, 1.0])), 1
    )


@pytest.mark.parametrize("x", [[0.0, 0.0], [3e-9, -4e-9], [3e-3, 4e-3]])
def test_cosine_similarity_near_zero(backend, x):
    """A length below 1e-7 counts as 1e-7."""
    x, y = np.array([x]), np.array([[1.0, 0.0]])

    def similarity(epsilon=1e-7):
        return -(x[:, 0] / np.maximum(np.sqrt((x**2).sum(-1)), epsilon))

    def slope(epsilon=1e-7):
        length = np.sqrt((x**2).sum(-1, keepdims=True))
        if length < epsilon:
            return -y / epsilon
        return -(y / length - x * x[:, :1] / length**3)

    near = 0 < np.abs(x).max() < 1e-7
    value = losses.cosine_similarity(y, backend.asarray(x))
    if x.any():
        pinned(value, similarity, **({"epsilon": (1e-6, 1e-8)} if near else {}))
    else:
        np.testing.assert_array_equal(np.abs(ops.convert_to_numpy(value)), 0)
    pinned(
        _gradient(lambda v: losses.cosine_similarity(y, v), x),
        slope,
        **({"epsilon": (1e-6, 1e-8)} if near else {}),
    )

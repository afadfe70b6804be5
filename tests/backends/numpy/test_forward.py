"""Values and shapes of the primitives against NumPy itself, and promises of the contract about
results and storage."""

import math

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B

rng = np.random.default_rng(7)
X = rng.normal(size=(2, 3, 4))
INDEX = rng.integers(0, 3, (2, 5, 4))

CASES = {
    "take": (
        lambda: B.take(X, np.array([[0, -1], [2, 2]]), 1),
        lambda: np.take(X, [[0, -1], [2, 2]], 1),
    ),
    "take_along_axis": (
        lambda: B.take_along_axis(X, INDEX, 1),
        lambda: np.take_along_axis(X, INDEX, 1),
    ),
    "take_along_axis broadcast": (
        lambda: B.take_along_axis(X, INDEX[:1], 1),
        lambda: np.take_along_axis(X, np.repeat(INDEX[:1], 2, 0), 1),
    ),
    "pad": (
        lambda: B.pad(X, ((0, 0), (1, 2), (3, 0)), "constant", 5),
        lambda: np.pad(X, ((0, 0), (1, 2), (3, 0)), constant_values=5),
    ),
    "broadcast_to": (
        lambda: B.broadcast_to(X, (5, -1, -1, 4)),
        lambda: np.broadcast_to(X, (5, 2, 3, 4)),
    ),
    "scatter_update": (
        lambda: B.scatter_update(X, np.array([[1, 0]]), np.ones((1, 4))),
        lambda: np.concatenate([X[:1], np.concatenate([np.ones((1, 1, 4)), X[1:, 1:]], 1)]),
    ),
    "scatter_add": (
        lambda: B.scatter_add(np.zeros(3), np.array([[1], [1], [2]]), np.array([1.0, 2.0, 3.0])),
        lambda: np.array([0.0, 3.0, 3.0]),
    ),
    "sort": (lambda: B.sort(np.array([2, np.nan, 1.0]), 0), lambda: np.array([1, 2, np.nan])),
    "argsort": (lambda: B.argsort(np.array([1, 0, 1, 0]), 0), lambda: np.array([1, 3, 0, 2])),
    "top_k": (lambda: B.top_k(np.array([1.0, 3, 3, 2]), 3)[1], lambda: np.array([1, 2, 3])),
    "argmax": (lambda: B.argmax(X, 1, keepdims=True), lambda: X.argmax(1, keepdims=True)),
    "any": (lambda: B.any(X > 1, (0, 2)), lambda: (X > 1).any((0, 2))),
    "all": (lambda: B.all(X > -1, 1), lambda: (X > -1).all(1)),
    "arange": (lambda: B.arange(0, 1, 0.25, "float32"), lambda: np.arange(0, 1, 0.25, "float32")),
    "eye": (lambda: B.eye(2, 3, 1, "int32"), lambda: np.eye(2, 3, 1)),
    "mod": (
        lambda: B.mod(np.array([-3, 3, -3.5]), np.array([2, -2, 2.0])),
        lambda: np.array([1, -1, 0.5]),
    ),
    "shifts": (
        lambda: B.right_shift(B.left_shift(np.array([-3, 5]), 4), 3),
        lambda: np.array([-6, 10]),
    ),
    "one_hot": (
        lambda: B.one_hot(np.array([1, 5, -1]), 2, "float32"),
        lambda: np.array([[0, 1], [0, 0], [0, 0]]),
    ),
    "einsum": (
        lambda: B.einsum("...ij,kj->...ki", X, X[0]),
        lambda: np.einsum("...ij,kj->...ki", X, X[0]),
    ),
    "einsum implicit": (lambda: B.einsum("ba", X[0]), lambda: np.einsum("ba", X[0])),
    "cumprod": (lambda: B.cumprod(X, -1), lambda: np.cumprod(X, -1)),
    "resize": (
        lambda: B.resize(np.arange(4.0).reshape(1, 2, 2, 1), (1, 4), "nearest")[0, 0, :, 0],
        lambda: np.array([2.0, 2, 3, 3]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_forward(name):
    ours, reference = (f() for f in CASES[name])
    assert ours.shape == reference.shape
    np.testing.assert_allclose(ours, reference, rtol=1e-14)


def test_scalars_are_arrays():
    for y in (
        B.sum(X),
        B.getitem(X, (0, 0, 0)),
        B.max(X),
        B.add(np.array(1.0), 1),
        B.unstack(X[0, 0], 0)[1],
        B.argmax(X, None),
        B.det(np.eye(2)),
    ):
        assert type(y) is np.ndarray
        assert y.shape == ()


def test_store_is_its_own():
    x = np.ones(3, "float32")
    for alias in (B.store(x), B.copy(x), B.to_numpy(x)):
        assert not np.shares_memory(alias, x)


def test_scope_keeps_numpy_quiet():
    with np.errstate(all="raise"), B.scope():
        assert B.log(np.zeros(1)).tolist() == [-math.inf]


@pytest.mark.parametrize("padding", ["valid", "same", ((1, 2), (0, 1))])
@pytest.mark.parametrize("channels", [1, 3, 40])
def test_conv_is_its_definition(padding, channels):
    x, k = rng.normal(size=(2, 6, 5, channels)), rng.normal(size=(3, 2, channels, 4))
    y = B.conv(x, k, (2, 1), padding, (1, 1))
    pads = {"valid": ((0, 0), (0, 0)), "same": ((0, 1), (0, 1))}.get(padding, padding)
    wide = np.pad(x, ((0, 0), *pads, (0, 0)))
    for n, i, j, f in np.ndindex(y.shape):
        np.testing.assert_allclose(
            y[n, i, j, f], (wide[n, 2 * i : 2 * i + 3, j : j + 2] * k[..., f]).sum(), atol=1e-12
        )

"""Conversion, creation, shape, indexing and order against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.mxnet.checks import check

rng = np.random.RandomState(1)
X = rng.randn(3, 4, 2)
N = np.arange(24).reshape(3, 4, 2)
B = rng.randn(3, 4, 2) > 0


def everywhere(function, reference):
    """Movement of data: floats with gradients, integers and bools."""
    check(function, reference, X)
    check(function, reference, N, grad=False)
    check(function, reference, B, grad=False)


@pytest.mark.parametrize(
    "value",
    [
        3,
        2.5,
        True,
        [1, 2],
        [[1.0, 2.0], [3.0, 4.0]],
        [],
        np.float64(1.5),
        np.arange(3),
        np.zeros((0, 2)),
        np.array(7.0),
    ],
)
def test_asarray(backend, value):
    x = backend.asarray(value)
    expected = np.asarray(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        expected = expected.astype({"i": "int32", "f": "float32", "b": "bool"}[expected.dtype.kind])
    assert (backend.shape(x), backend.dtype(x)) == (expected.shape, expected.dtype.name)
    np.testing.assert_array_equal(backend.to_numpy(x), expected)


def test_asarray_of_strided_and_nested(backend):
    np.testing.assert_array_equal(backend.to_numpy(backend.asarray(X.T[::2])), X.T[::2])
    nested = backend.asarray([backend.asarray(1.0), 2.0])
    np.testing.assert_array_equal(backend.to_numpy(nested), [1.0, 2.0])
    with pytest.raises(TypeError, match="uint32"):
        backend.asarray(np.zeros(2), "uint32")
    assert backend.dtype(backend.asarray(np.zeros(2, "uint32"))) == "int64"  # the next wider


def test_cast():
    x = np.array([1.7, -1.7, 0.0, 0.3])
    check(lambda b, x: b.cast(x, "int64"), lambda x: x.astype("int64"), x, grad=False)
    check(lambda b, x: b.cast(x, "bool"), lambda x: x != 0, x, grad=False)
    check(lambda b, x: b.cast(x, "int32"), lambda x: x.astype("int32"), B, grad=False)
    check(lambda b, x: b.cast(b.cast(x, "float64"), b.dtype(x)), lambda x: x, x)


def test_creation(backend):
    for shape in ((), (2, 3), (0, 2)):
        for dtype in ("bool", "uint8", "int32", "int64", "float16", "float32", "float64"):
            x = backend.full(shape, 1, dtype)
            assert (backend.shape(x), backend.dtype(x)) == (shape, dtype)
            np.testing.assert_array_equal(backend.to_numpy(x), np.full(shape, 1, dtype))
    assert backend.to_numpy(backend.full((), 2**60 + 1, "int64")) == 2**60 + 1
    assert backend.to_numpy(backend.full((1,), -np.inf, "float32")) == -np.inf
    assert np.isnan(backend.to_numpy(backend.full((), np.nan, "float64")))
    np.testing.assert_array_equal(
        backend.to_numpy(backend.arange(1, 2, 0.25, "float64")), np.arange(1, 2, 0.25)
    )
    np.testing.assert_array_equal(
        backend.to_numpy(backend.eye(2, 3, 1, "float32")), np.eye(2, 3, 1)
    )
    check(lambda b, x: b.full_like(x, 2), lambda x: np.full_like(x, 2), X, grad=False)


def test_copy_and_store_share_no_memory(backend):
    x = backend.asarray([1.0, 2.0])
    for y in (backend.copy(x), backend.store(x)):
        y[:] = 7
        np.testing.assert_array_equal(backend.to_numpy(x), [1.0, 2.0])


SHAPES = {
    "reshape": (lambda b, x: b.reshape(x, (2, -1)), lambda x: x.reshape(2, -1)),
    "reshape to the same rank": (
        lambda b, x: b.reshape(x, (4, 3, 2)),
        lambda x: x.reshape(4, 3, 2),
    ),
    "transpose": (lambda b, x: b.transpose(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1)),
    "broadcast_to": (
        lambda b, x: b.broadcast_to(x, (5, 3, -1, 2)),
        lambda x: np.broadcast_to(x, (5, 3, 4, 2)),
    ),
    "expand_dims": (lambda b, x: b.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1))),
    "squeeze": (lambda b, x: b.squeeze(b.expand_dims(x, (1, 4)), (1, -1)), lambda x: x),
    "concatenate": (lambda b, x: b.concatenate([x, x], -2), lambda x: np.concatenate([x, x], -2)),
    "stack": (lambda b, x: b.stack([x, x], -1), lambda x: np.stack([x, x], -1)),
    "split": (lambda b, x: b.split(x, 2, 1), lambda x: np.split(x, 2, 1)),
    "split at": (lambda b, x: b.split(x, [1, 3], 1), lambda x: np.split(x, [1, 3], 1)),
    "unstack": (lambda b, x: b.unstack(x, 1), lambda x: [x[:, i] for i in range(4)]),
    "flip": (lambda b, x: b.flip(x, (0, -1)), lambda x: np.flip(x, (0, -1))),
    "tile": (lambda b, x: b.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3))),
    "repeat": (lambda b, x: b.repeat(x, 2, -1), lambda x: np.repeat(x, 2, -1)),
    "pad": (
        lambda b, x: b.pad(x, ((1, 2), (0, 0), (0, 1))),
        lambda x: np.pad(x, ((1, 2), (0, 0), (0, 1))),
    ),
    "pad with a value": (
        lambda b, x: b.pad(x, ((1, 0),) * 3, constant_values=1),
        lambda x: np.pad(x, ((1, 0),) * 3, constant_values=1),
    ),
    "pad reflect": (
        lambda b, x: b.pad(x, ((1, 2), (3, 1), (0, 1)), "reflect"),
        lambda x: np.pad(x, ((1, 2), (3, 1), (0, 1)), "reflect"),
    ),
    "pad symmetric": (
        lambda b, x: b.pad(x, ((3, 1), (0, 2), (0, 0)), "symmetric"),
        lambda x: np.pad(x, ((3, 1), (0, 2), (0, 0)), "symmetric"),
    ),
    "pad edge": (
        lambda b, x: b.pad(x, ((1, 2), (3, 1), (0, 0)), "edge"),
        lambda x: np.pad(x, ((1, 2), (3, 1), (0, 0)), "edge"),
    ),
    "take": (
        lambda b, x: b.take(x, b.asarray([[0, -1], [2, 0]]), 1),
        lambda x: x.take([[0, -1], [2, 0]], 1),
    ),
    "take one": (lambda b, x: b.take(x, b.asarray(-2), -1), lambda x: x.take(-2, -1)),
    "take none": (lambda b, x: b.take(x, b.asarray(np.zeros((0,), "int32")), 0), lambda x: x[:0]),
    "take_along_axis": (
        lambda b, x: b.take_along_axis(
            x, b.asarray(np.array([[[0], [1]], [[3], [3]], [[2], [2]]])), 1
        ),
        lambda x: np.take_along_axis(
            x, np.array([[[0], [1]], [[3], [3]], [[2], [2]]]).repeat(2, -1), 1
        ),
    ),
    "where": (
        lambda b, x: b.where(b.asarray(B), x, b.flip(x, 0)),
        lambda x: np.where(B, x, x[::-1]),
    ),
    "where broadcast": (
        lambda b, x: b.where(b.asarray(B[:, :1]), x, b.getitem(x, (0,))),
        lambda x: np.where(B[:, :1], x, x[0]),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_movement(name):
    everywhere(*SHAPES[name])


KEYS = [
    (0,), (-1,), (slice(1, None),), (slice(None, None, -1),), (slice(None), -2),
    (slice(1, 3), slice(None, None, 2), slice(None, None, -1)), (slice(None), None, 0),
    (Ellipsis, 1), (None, Ellipsis, slice(0, 1)), (slice(None), slice(3, 0, -2)),
    (slice(2, 0, -1), 1, None, 0), (slice(5, None),), (1, 2, 1), (slice(-2, None), slice(None, -1)),
    (Ellipsis,), (slice(None), slice(None, 0, -1)), (),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_getitem(key):
    everywhere(lambda b, x: b.getitem(x, key), lambda x: x[key])


def test_getitem_out_of_range(backend):
    with pytest.raises(IndexError, match="index 3"):
        backend.getitem(backend.asarray(X), (3,))
    with pytest.raises(IndexError, match="4 indices"):
        backend.getitem(backend.asarray(X), (0, 0, 0, 0))


def test_where_ignores_nan_in_the_branch_not_taken():
    x = np.array([-1.0, 4.0])
    check(
        lambda b, x: b.where(b.greater(x, 0), b.square(x), b.full_like(x, np.nan)),
        lambda x: np.where(x > 0, x * x, np.nan), x, gradient=lambda x: np.array([0.0, 8.0]),
    )  # fmt: skip


def test_scatter():
    x, indices = rng.randn(4, 3), np.array([[1], [3], [1], [-1]])
    updates = rng.randn(4, 3)

    def reference(x, updates):
        x = x.copy()
        np.add.at(x, indices[:, 0], updates)
        return x

    check(lambda b, x, u: b.scatter_add(x, b.asarray(indices), u), reference, x, updates)
    check(
        lambda b, x: b.scatter_add(x, b.asarray([[0, 1], [0, 1]]), b.full((2,), 1, b.dtype(x))),
        lambda x: x + 2 * np.eye(4, 3, 1) * (np.arange(4)[:, None] == 0),
        x,
    )

    def replaced(x, updates):
        x = x.copy()
        x[[2, 0]] = updates[:2]
        return x

    check(
        lambda b, x, u: b.scatter_update(x, b.asarray([[2], [0]]), b.getitem(u, (slice(0, 2),))),
        replaced,
        x,
        updates,
    )
    check(
        lambda b, x: b.scatter_add(x, b.asarray(indices), b.full((4, 3), 2, "int64")),
        lambda x: reference(x, 2),
        np.arange(12).reshape(4, 3),
        grad=False,
    )


TIES = np.array([[2.0, 1, 2, 1, 0, 2, 1, 0], [0.0, 0, 0, 0, 0, 0, 0, 0]]).repeat(5, axis=1)


def test_sort_is_stable_with_nan_last():
    for axis in (0, -1):
        check(
            lambda b, x, axis=axis: b.argsort(x, axis),
            lambda x, axis=axis: np.argsort(x, axis, kind="stable"),
            TIES,
            grad=False,
        )
    check(lambda b, x: b.sort(x, 1), lambda x: np.sort(x, 1), X)
    check(lambda b, x: b.sort(x, 1), lambda x: np.sort(x, 1), N[:, ::-1].copy(), grad=False)
    check(lambda b, x: b.argsort(x, 1), lambda x: np.argsort(x, 1, kind="stable"), B, grad=False)
    odd = np.array([3.0, np.nan, np.inf, -np.inf, np.nan, 0.0, np.inf])
    check(lambda b, x: b.argsort(x, 0), lambda x: np.argsort(x, 0, kind="stable"), odd, grad=False)
    check(
        lambda b, x: b.argsort(x, 0),
        lambda x: np.argsort(x, 0, kind="stable"),
        np.array([2**53 + 1, 2**53, 5]),
        grad=False,
    )


def test_top_k():
    check(
        lambda b, x: b.top_k(x, 2),
        lambda x: [-np.sort(-x)[..., :2], np.argsort(-x, kind="stable")[..., :2]],
        X[..., 0],
    )
    check(
        lambda b, x: b.top_k(x, 3)[1],
        lambda x: np.argsort(-x, kind="stable")[..., :3],
        TIES,
        grad=False,
    )

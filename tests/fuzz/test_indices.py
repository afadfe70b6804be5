"""Every function that takes indices, on random ones: NumPy's result, or one error, on all backends.

Each function draws its shapes and indices, some of which are not there. `wanted` says by NumPy what
comes out; None: a ValueError.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import INSTALLED
from tests.fuzz.running import hunt, in_suite
from unidl import layers, ops
from unidl.backend import use_backend

SIZES = st.integers(0, 4)
DTYPES = ("int8", "int16", "int32", "int64", "uint8", "list", "native")


@dataclass(frozen=True)
class Draw:
    """Arguments of one call, the indices among them as `indices`."""

    shape: tuple[int, ...]
    indices: np.ndarray
    dtype: str
    number: int = 0

    @property
    def x(self):
        return np.arange(1, 1 + int(np.prod(self.shape)), dtype="float32").reshape(self.shape)

    def given(self):
        """The indices as they are handed over."""
        if self.dtype == "list" and self.indices.size:
            return self.indices.tolist()
        if self.dtype == "native":
            return ops.convert_to_tensor(self.indices.astype("int32"))
        return self.indices.astype("int32" if self.dtype == "list" else self.dtype)

    def there(self, size, negative=False):
        """Whether all indices are in range."""
        low = -size if negative else 0
        return bool(((self.indices >= low) & (self.indices < size)).all())


@st.composite
def draws(draw, rank, indices_shape, most):
    """A tensor of `rank` axes, indices of `indices_shape(shape, n)`, mostly in range of
    `most(shape, number)`."""
    shape = tuple(draw(SIZES) for _ in range(rank))
    number = draw(st.integers(0, 5))
    size = most(shape, number)
    dtype = draw(st.sampled_from(DTYPES))
    low, high = (0, 200) if dtype == "uint8" else (-100, 100)
    usual = st.integers(0, size - 1) if size else st.just(0)
    one = st.one_of(usual, usual, usual, st.integers(low, high), st.sampled_from([size, 0]))
    if dtype != "uint8":
        one = st.one_of(one, st.sampled_from([-1, -size, -size - 1]))
    dims = indices_shape(shape, draw(SIZES))
    count = int(np.prod(dims))
    values = draw(st.lists(one, min_size=count, max_size=count))
    return Draw(shape, np.array(values, "int64").reshape(dims), dtype, number)


def _scattered(d, size, at):
    x = np.zeros((size, *d.shape[1:]), "float32")
    for place, row in zip(d.indices[:, 0], at, strict=True):
        x[place] += row
    return x


def _updates(d):
    return np.arange(1, 1 + len(d.indices) * int(np.prod(d.shape[1:])), dtype="float32").reshape(
        (len(d.indices), *d.shape[1:])
    )


def _segments(d):
    x = np.zeros((d.number, *d.shape[1:]), "float32")
    for i, row in zip(d.indices, d.x, strict=True):
        if i >= 0:
            x[i] += row
    return x


def _one_hot(d):
    return (d.indices[..., None] == np.arange(d.number)).astype("float32")


def _probabilities(d):
    return np.full((len(d.indices), d.shape[0]), 1 / max(d.shape[0], 1), "float32")


FUNCTIONS = {
    "take": (
        draws(2, lambda s, n: (n,), lambda s, k: s[0]),
        lambda d: ops.take(d.x, d.given(), axis=0),
        lambda d: np.take(d.x, d.indices, 0) if d.there(d.shape[0], True) else None,
    ),
    "take, last axis": (
        draws(3, lambda s, n: (n, 2), lambda s, k: s[-1]),
        lambda d: ops.take(d.x, d.given(), axis=-1),
        lambda d: np.take(d.x, d.indices, -1) if d.there(d.shape[-1], True) else None,
    ),
    "take, flattened": (
        draws(2, lambda s, n: (n,), lambda s, k: s[0] * s[1]),
        lambda d: ops.take(d.x, d.given()),
        lambda d: d.x.ravel()[d.indices] if d.there(d.x.size, True) else None,
    ),
    "get_item": (
        draws(2, lambda s, n: (n,), lambda s, k: s[0]),
        lambda d: ops.get_item(d.x, d.given()),
        lambda d: d.x[d.indices] if d.there(d.shape[0], True) else None,
    ),
    "take_along_axis": (
        draws(2, lambda s, n: (n, s[1]), lambda s, k: s[0]),
        lambda d: ops.take_along_axis(d.x, d.given(), axis=0),
        lambda d: np.take_along_axis(d.x, d.indices, 0) if d.there(d.shape[0], True) else None,
    ),
    "scatter": (
        draws(2, lambda s, n: (n, 1), lambda s, k: k),
        lambda d: ops.scatter(d.given(), _updates(d), (d.number, *d.shape[1:])),
        lambda d: _scattered(d, d.number, _updates(d)) if d.there(d.number) else None,
    ),
    "scatter_update, add": (
        draws(2, lambda s, n: (n, 1), lambda s, k: s[0]),
        lambda d: ops.scatter_update(d.x, d.given(), _updates(d), "add"),
        lambda d: d.x + _scattered(d, d.shape[0], _updates(d)) if d.there(d.shape[0]) else None,
    ),
    "segment_sum": (
        draws(2, lambda s, n: (s[0],), lambda s, k: k),
        lambda d: ops.segment_sum(d.x, d.given(), d.number),
        lambda d: _segments(d) if (d.indices < d.number).all() else None,
    ),
    "one_hot": (
        draws(1, lambda s, n: (n,), lambda s, k: k),
        lambda d: ops.one_hot(d.given(), d.number),
        _one_hot,
    ),
    "multi_hot": (
        draws(1, lambda s, n: (n, 2), lambda s, k: k),
        lambda d: ops.multi_hot(d.given(), d.number),
        lambda d: _one_hot(d).max(-2),
    ),
    "bincount": (
        draws(1, lambda s, n: (n,), lambda s, k: k),
        lambda d: ops.bincount(d.given(), minlength=d.number),
        lambda d: (
            np.bincount(d.indices, minlength=d.number).astype("int32")
            if (d.indices >= 0).all()
            else None
        ),
    ),
    "unravel_index": (
        draws(2, lambda s, n: (n,), lambda s, k: s[0] * s[1]),
        lambda d: ops.stack(ops.unravel_index(d.given(), d.shape)),
        lambda d: np.stack(np.unravel_index(d.indices, d.shape)) if d.there(d.x.size) else None,
    ),
    "sparse_categorical_crossentropy": (
        draws(1, lambda s, n: (n,), lambda s, k: s[0]),
        lambda d: ops.sparse_categorical_crossentropy(d.given(), _probabilities(d)),
        lambda d: (
            np.full(len(d.indices), -np.log(np.clip(1 / d.shape[0], 1e-7, 1 - 1e-7)), "float32")
            if d.there(d.shape[0]) and d.shape[0]
            else None
            if d.shape[0] or len(d.indices)
            else np.zeros(0, "float32")
        ),
    ),
    "in_top_k": (
        draws(1, lambda s, n: (n,), lambda s, k: s[0]),
        lambda d: ops.in_top_k(d.given(), _probabilities(d), 1),
        lambda d: np.ones(len(d.indices), bool) if d.there(d.shape[0]) else None,
    ),
    "Embedding": (
        draws(1, lambda s, n: (n,), lambda s, k: s[0] + 1),
        lambda d: layers.Embedding(d.shape[0] + 1, 2, embeddings_initializer="ones")(d.given()),
        lambda d: np.ones((len(d.indices), 2), "float32") if d.there(d.shape[0] + 1) else None,
    ),
    "slice": (
        draws(2, lambda s, n: (2,), lambda s, k: 3),
        lambda d: ops.slice(d.x, d.indices.tolist(), (d.number, -1)),
        lambda d: (
            d.x[d.indices[0] : d.indices[0] + d.number, d.indices[1] :]
            if 0 <= d.indices[0] <= d.shape[0] - d.number and 0 <= d.indices[1] <= d.shape[1]
            else None
        ),
    ),
    "slice_update": (
        draws(2, lambda s, n: (2,), lambda s, k: 2),
        lambda d: ops.slice_update(d.x, d.indices.tolist(), np.zeros((1, d.number), "float32")),
        lambda d: _overwritten(d),
    ),
    "repeat": (
        draws(2, lambda s, n: (n,), lambda s, k: 3),
        lambda d: ops.repeat(d.x, d.indices.tolist(), axis=0),
        lambda d: (
            np.repeat(d.x, d.indices, 0)
            if (d.indices >= 0).all() and len(d.indices) in (1, d.shape[0])
            else None
        ),
    ),
    "top_k": (
        draws(2, lambda s, n: (1,), lambda s, k: s[1] + 1),
        lambda d: ops.top_k(d.x, int(d.indices[0]))[0],
        lambda d: d.x[:, ::-1][:, : d.indices[0]] if 0 <= d.indices[0] <= d.shape[1] else None,
    ),
    "roll": (
        draws(2, lambda s, n: (1,), lambda s, k: 3),
        lambda d: ops.roll(d.x, int(d.indices[0]), axis=d.number - 3),
        lambda d: np.roll(d.x, d.indices[0], d.number - 3) if 1 <= d.number <= 4 else None,
    ),
    "left_shift": (
        draws(1, lambda s, n: (1,), lambda s, k: 32),
        lambda d: ops.left_shift(np.arange(3, dtype="int32"), int(d.indices[0])),
        lambda d: np.arange(3, dtype="int32") << d.indices[0] if d.there(32) else None,
    ),
}


def _overwritten(d):
    (row, column), width = d.indices, d.number
    if not (0 <= row <= d.shape[0] - 1 and 0 <= column <= d.shape[1] - width):
        return None
    x = d.x.copy()
    x[row, column : column + width] = 0
    return x


def _came(call, drawn, backend):
    with use_backend(backend):
        try:
            return ops.convert_to_numpy(call(drawn))
        except ValueError as error:
            return f"{type(error).__name__}: {error}".replace("embedding_", "").rstrip("0123456789")


def _check(name):
    drawn, call, wanted = FUNCTIONS[name]

    def check(d):
        expected = wanted(d)
        texts = set()
        for backend in INSTALLED:
            found = _came(call, d, backend)
            if expected is None:
                assert isinstance(found, str), (backend, found)
                texts.add(found.split(":", 1)[1] if name == "Embedding" else found)
                continue
            assert not isinstance(found, str), (backend, found)
            assert found.shape == expected.shape, (backend, found.shape, expected.shape)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=backend)
        assert len(texts) <= 1 or name == "Embedding", texts

    return given(drawn)(check)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_few(name):
    in_suite(_check(name), 15)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", FUNCTIONS)
def test_many(name):
    hunt(_check(name), name)

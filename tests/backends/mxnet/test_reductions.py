"""Reductions and running sums against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.mxnet.checks import check

rng = np.random.RandomState(2)
X = rng.randn(3, 4, 2)


@pytest.mark.parametrize("axis", [None, 1, -1, (0, 2), ()], ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var"])
def test_reduction(name, axis):
    for keepdims in (False, True):
        check(
            lambda b, x, k=keepdims: getattr(b, name)(x, axis, keepdims=k),
            lambda x, k=keepdims: getattr(np, name)(x, axis=axis, keepdims=k), X,
            gradient_rtol=1e-6, rtol32=5e-6,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(dtype):
    x = np.array([[3, -1, 7], [2**29, 5, 5]], dtype)
    for name in ("sum", "prod", "max", "min"):
        check(
            lambda b, x, name=name: getattr(b, name)(x, 0),
            lambda x, name=name: getattr(np, name)(x, axis=0),
            x,
            grad=False,
        )
    check(lambda b, x: b.cumsum(x, 1), lambda x: np.cumsum(x, 1), x, grad=False)


def test_logical():
    x = rng.randn(3, 4) > 0
    for name in ("any", "all", "max", "min"):
        for axis in (None, 0, (0, 1)):
            check(
                lambda b, x, n=name, a=axis: getattr(b, n)(x, a),
                lambda x, n=name, a=axis: getattr(np, n)(x, axis=a),
                x,
                grad=False,
            )


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_index(name, backend):
    for x in (
        X,
        np.array([[1.0, 1.0], [0.0, 0.0]]),
        np.array([[False, True, True]]),
        np.array([[2**53, 2**53 + 1]]),
    ):
        for axis in (0, -1):
            check(
                lambda b, x, a=axis: getattr(b, name)(x, a),
                lambda x, a=axis: getattr(np, name)(x, a),
                x,
                grad=False,
            )
    assert backend.dtype(getattr(backend, name)(backend.asarray(X), 0)) == "int32"


def test_ties_share_the_gradient():
    x = np.array([[1.0, 3.0, 3.0], [np.inf, np.inf, 0.0]])
    share = np.array([[0, 0.5, 0.5], [0.5, 0.5, 0]])
    check(lambda b, x: b.max(x, -1), lambda x: x.max(-1), x, gradient=lambda x: share)
    check(lambda b, x: b.min(x, -1), lambda x: x.min(-1), -x, gradient=lambda x: share)
    check(lambda b, x: b.max(x), lambda x: x.max(), np.array([1.0, np.nan]), grad=False)


def test_cumulative():
    for axis in (0, -2):
        check(lambda b, x, a=axis: b.cumsum(x, a), lambda x, a=axis: np.cumsum(x, a), X)
        check(lambda b, x, a=axis: b.cumprod(x, a), lambda x, a=axis: np.cumprod(x, a), X)
    check(
        lambda b, x: b.cumprod(x, 0), lambda x: np.cumprod(x), np.array([2.0, 0.0, 3.0, 4.0, 5.0])
    )


def test_empty_axes(backend):
    x = np.zeros((0, 3))
    check(lambda b, x: b.sum(x, 0), lambda x: x.sum(0), x)
    check(lambda b, x: b.max(x, 1), lambda x: x.max(1), x)
    check(lambda b, x: b.cumsum(x, 0), lambda x: x, x)
    assert np.isnan(backend.to_numpy(backend.mean(backend.asarray(x)))).all()
    for name in ("max", "argmin"):
        with pytest.raises(ValueError, match="empty axis"):
            getattr(backend, name)(backend.asarray(x), 0)


def test_large_offset():
    x = 1e4 + 0.01 * rng.randn(64, 8)
    check(lambda b, x: b.var(x, 0), lambda x: x.var(0), x, grad=False, rtol32=3e-3)


def test_logsumexp():
    check(lambda b, x: b.logsumexp(x, (0, 1)), lambda x: np.log(np.exp(x).sum((0, 1))), X)
    check(
        lambda b, x: b.logsumexp(x, 0),
        lambda x: np.array([-np.inf]),
        np.full((2, 1), -np.inf),
        grad=False,
    )

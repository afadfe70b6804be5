"""Products and linear algebra against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.mxnet.checks import check

rng = np.random.RandomState(4)


@pytest.mark.parametrize(
    "shapes",
    [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (5, 1, 4, 3)), ((3,), (2, 3, 4)),
     ((2, 1, 3, 4), (4,)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 3, 4), (2, 4, 1))],
    ids=str,
)  # fmt: skip
def test_matmul(shapes):
    check(lambda b, x, y: b.matmul(x, y), np.matmul, *(rng.randn(*s) for s in shapes))
    check(
        lambda b, x, y: b.matmul(x, y),
        np.matmul,
        *(rng.randint(-9, 9, s) for s in shapes),
        grad=False,
    )


def test_matmul_of_wrong_shapes(backend):
    with pytest.raises(ValueError, match="inner sizes"):
        backend.matmul(backend.asarray(np.ones((2, 3))), backend.asarray(np.ones((2, 3))))


@pytest.mark.parametrize(
    "subscripts",
    ["ij,jk->ik", "ij,jk", "bij,bjk->bik", "bthd,bshd->bhts", "...ij,...jk->...ik", "ij->ji", "ii->i", "ii", "ij->", "ij->j", "i,j->ij",
     "ij,jk,kl->il", "ij,ij->", "abc,cd->dab", "ij,kl->jl", "ij,ij->ij", "...i->...", "iij,j->i"],
)  # fmt: skip
def test_einsum(subscripts):
    sizes = dict(zip("abcdijklhts", (2, 3, 4, 2, 3, 3, 4, 2, 2, 3, 4), strict=True))
    operands = [
        rng.randn(*([2] if "..." in t else []), *(sizes[c] for c in t.replace("...", "")))
        for t in subscripts.split("->")[0].split(",")
    ]
    check(
        lambda b, *xs: b.einsum(subscripts, *xs), lambda *xs: np.einsum(subscripts, *xs), *operands
    )


def test_einsum_of_wrong_arguments(backend):
    x = backend.asarray(np.ones((2, 3)))
    for subscripts, operands in (("ij,jk->ik", [x, x]), ("ij->ij", [x, x]), ("ijk->i", [x])):
        with pytest.raises(ValueError, match="einsum"):
            backend.einsum(subscripts, *operands)


def test_tensordot():
    x, y = rng.randn(2, 3, 4), rng.randn(4, 3, 5)
    check(
        lambda b, x, y: b.tensordot(x, y, ([2, 1], [0, 1])),
        lambda x, y: np.tensordot(x, y, ([2, 1], [0, 1])),
        x,
        y,
    )
    check(lambda b, x, y: b.tensordot(x, y, 1), lambda x, y: np.tensordot(x, y, 1), x, y)


def symmetric(n):
    a = rng.randn(2, n, n)
    return a @ a.transpose(0, 2, 1) + n * np.eye(n)


def test_solvers():
    a, b = symmetric(3) + 0.3 * rng.randn(2, 3, 3), rng.randn(2, 3, 2)
    check(lambda k, a, b: k.solve(a, b), np.linalg.solve, a, b, gradient_rtol=1e-6, rtol32=1e-5)
    check(
        lambda k, a, b: k.solve_triangular(a, b, lower=True),
        lambda a, b: np.linalg.solve(np.tril(a), b),
        a,
        b,
        gradient_rtol=1e-6,
        rtol32=1e-5,
    )
    check(
        lambda k, a, b: k.solve_triangular(a, b),
        lambda a, b: np.linalg.solve(np.triu(a), b),
        a,
        b,
        gradient_rtol=1e-6,
        rtol32=1e-5,
    )
    check(lambda k, a: k.det(a), np.linalg.det, a, gradient_rtol=1e-6, rtol32=1e-5)
    check(lambda k, a: k.inv(a), np.linalg.inv, a, gradient_rtol=1e-6, rtol32=1e-5)


def test_factors():
    a = symmetric(3)

    def half(k, x):
        """Cholesky reads one triangle; the gradient is defined on symmetric matrices."""
        return k.multiply(k.add(x, k.transpose(x, (0, 2, 1))), 0.5)

    check(
        lambda k, x: k.cholesky(half(k, x)), np.linalg.cholesky, a, gradient_rtol=1e-6, rtol32=1e-5
    )
    check(
        lambda k, x: k.eigh(half(k, x))[0],
        lambda x: np.linalg.eigh(x)[0],
        a,
        gradient_rtol=1e-6,
        rtol32=1e-5,
    )
    check(
        lambda k, x: k.square(k.eigh(half(k, x))[1]),
        lambda x: np.linalg.eigh(x)[1] ** 2,
        a,
        gradient_rtol=1e-5,
        rtol32=1e-4,
    )


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)], ids=str)
def test_qr_and_svd(shape):
    """Factors are unique up to signs, so their squares are compared."""
    x = rng.randn(*shape)
    options = {"gradient_rtol": 1e-5, "rtol32": 1e-4, "rtol64": 1e-11}

    def qr(x):
        pairs = [np.linalg.qr(matrix) for matrix in x.reshape(-1, *shape[-2:])]
        return [
            np.stack([p[i] ** 2 for p in pairs]).reshape(*shape[:-2], *pairs[0][i].shape)
            for i in (0, 1)
        ]

    check(lambda k, x: [k.square(y) for y in k.qr(x)], qr, x, **options)
    check(lambda k, x: k.matmul(*k.qr(x)), lambda x: x, x, grad=False, rtol32=1e-5)
    check(
        lambda k, x: [k.square(y) for y in k.svd(x)],
        lambda x: [y**2 for y in np.linalg.svd(x, full_matrices=False)],
        x,
        **options,
    )


def test_failures_surface_at_the_call(backend):
    with pytest.raises(Exception, match=r"(?i)singular|positive|potrf|cholesky"):
        backend.cholesky(backend.asarray(-np.eye(3)))


def test_large_products_in_float32(backend):
    """The oneDNN route, which the small shapes above do not take; the weights are the result of another function."""
    x, w = rng.randn(16, 70), rng.randn(60, 70)
    check(
        lambda b, x, w: b.matmul(b.reshape(x, (2, 8, 70)), b.transpose(w, (1, 0))), lambda x, w: (x @ w.T).reshape(2, 8, 60), x, w,
        gradient=lambda x, w: [np.ones((16, 60)) @ w, np.ones((60, 16)) @ x], gradient_rtol=1e-12, rtol32=1e-5,
    )  # fmt: skip
    x, w = (
        backend.asarray(rng.randn(3, 4).astype("float16")),
        backend.asarray(rng.randn(4, 2).astype("float16")),
    )
    assert backend.dtype(backend.matmul(x, w)) == "float16"

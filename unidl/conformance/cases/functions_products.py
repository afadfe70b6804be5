"""Products and linear algebra."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, integers, normal, positive_definite


def _matmul(label, a, b, **options):
    return Case(
        "matmul",
        label,
        lambda B, x, y: B.matmul(x, y),
        {"x1": normal(*a), "x2": normal(*b)},
        kind="linear",
        **options,
    )


PRODUCTS = [
    _matmul("", (3, 4), (4, 5)),
    _matmul("vectors", (4,), (4,)),
    _matmul("vector and matrix", (4,), (4, 5)),
    _matmul("matrix and vector", (3, 4), (4,)),
    _matmul("batch and vector", (2, 3, 4), (4,)),
    _matmul("vector and batch", (3,), (2, 3, 4)),
    _matmul("batch broadcasts", (2, 1, 3, 4), (5, 4, 2)),
    _matmul("batch and matrix", (2, 3, 4), (4, 5)),
    _matmul("matrix and batch", (3, 4), (2, 4, 5)),
    _matmul("long", (2, 500), (500, 3)),
    _matmul("empty batch", (0, 4), (4, 5), traced=False),
    _matmul("nothing to sum", (3, 0), (0, 5), traced=False),
    Case(
        "matmul",
        "int32",
        lambda B, x, y: B.matmul(x, y),
        {"x1": integers(-9, 9, 3, 4), "x2": integers(-9, 9, 4, 2)},
    ),
    *(
        Case(
            "einsum",
            label,
            lambda B, *xs, sub=label: B.einsum(sub, *xs),
            {f"x{i}": normal(*s) for i, s in enumerate(shapes)},
            kind="linear",
        )
        for label, *shapes in (
            ("ij,jk->ik", (2, 3), (3, 4)),
            ("bij,bjk->bik", (2, 2, 3), (2, 3, 4)),
            ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 4)),
            ("ii->i", (3, 3)),
            ("ij->ji", (2, 3)),
            ("ij->", (2, 3)),
            ("abc->b", (2, 3, 4)),
            ("i,j->ij", (2,), (3,)),
            ("ij,jk", (2, 3), (3, 4)),
            ("bthd,bshd->bhts", (2, 3, 2, 4), (2, 5, 2, 4)),
            ("ii", (3, 3)),
            ("i,i->", (4,), (4,)),
            ("bhts,bshd->bthd", (2, 2, 3, 5), (2, 5, 2, 4)),
            ("abc,cde->abde", (2, 3, 4), (4, 2, 2)),
            ("...i->...", (2, 3, 4)),
            ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
            ("ab,ab->ab", (2, 3), (2, 3)),
            ("ij,kj->k", (2, 3), (4, 3)),
            ("oh,nhwc->nowc", (3, 4), (2, 4, 2, 2)),
        )
    ),
    *(
        Case(
            "tensordot",
            label,
            lambda B, x, y, axes=axes: B.tensordot(x, y, axes),
            {"x1": normal(*a), "x2": normal(*b)},
            kind="linear",
        )
        for label, a, b, axes in (
            ("one axis", (2, 3), (3, 4), 1),
            ("two axes", (2, 3, 4), (3, 4, 5), 2),
            ("outer", (2,), (3,), 0),
            ("pairs", (2, 3, 4), (4, 5, 2), ((0, 2), (2, 0))),
            ("negative", (2, 3), (5, 3), (-1, -1)),
            ("everything", (2, 3), (2, 3), 2),
        )
    ),
]


LINEAR = [
    Case(
        "linear",
        label,
        lambda B, x, k, *b: B.linear(x, k, *b),
        {name: normal(*shape) for name, shape in shapes.items()},
        kind="linear",
    )
    for label, shapes in (
        ("", {"x": (4, 5), "kernel": (5, 3), "bias": (3,)}),
        ("no bias", {"x": (4, 5), "kernel": (5, 3)}),
        ("sequences", {"x": (2, 3, 5), "kernel": (5, 3), "bias": (3,)}),
        ("vector", {"x": (5,), "kernel": (5, 3), "bias": (3,)}),
        ("one unit", {"x": (4, 5), "kernel": (5, 1), "bias": (1,)}),
    )
] + [
    Case(
        "linear",
        "empty batch",
        lambda B, x, k, b: B.linear(x, k, b),
        {"x": np.zeros((0, 5)), "kernel": normal(5, 3), "bias": normal(3)},
        kind="linear",
        traced=False,
    )
]


def _linalg(method, label, call, **inputs):
    return Case(method, label, call, inputs)


def _symmetric(B, x):
    return B.multiply(
        B.add(
            x,
            B.transpose(
                x, (*range(len(B.shape(x)) - 2), -1 % len(B.shape(x)), len(B.shape(x)) - 2)
            ),
        ),
        0.5,
    )


def _triangular(lower):
    def draw(generator):
        a = generator.normal(size=(2, 4, 4)) * 0.3 + 2 * np.eye(4)
        return np.tril(a) if lower else np.triu(a)

    return draw


def _eigen(B, x):
    """Eigenvalues, and the projectors of the eigenvectors, which have no sign to choose."""
    values, vectors = B.eigh(_symmetric(B, x))
    return values, B.einsum("...ik,...jk->...kij", vectors, vectors)


def _singular(B, x):
    """Singular values, and the products of the vectors, which have no sign to choose."""
    u, s, vh = B.svd(x)
    return s, B.einsum("...ik,...kj->...kij", u, vh)


def _qr(B, x):
    """Q and R with a positive diagonal."""
    q, r = B.qr(x)
    square = B.getitem(r, (Ellipsis, slice(0, B.shape(r)[-2])))
    sign = B.stop_gradient(B.sign(B.einsum("...ii->...i", square)))
    return B.multiply(q, B.expand_dims(sign, -2)), B.multiply(r, B.expand_dims(sign, -1))


LINALG = [
    _linalg("cholesky", "", lambda B, x: B.cholesky(_symmetric(B, x)), x=positive_definite(4, 4)),
    _linalg(
        "cholesky", "batch", lambda B, x: B.cholesky(_symmetric(B, x)), x=positive_definite(2, 3, 3)
    ),
    _linalg("cholesky", "size one", lambda B, x: B.cholesky(x), x=positive_definite(1, 1)),
    _linalg("qr", "square", _qr, x=normal(4, 4)),
    _linalg("qr", "tall", _qr, x=normal(5, 3)),
    _linalg("qr", "batch", _qr, x=normal(2, 4, 3)),
    Case("qr", "wide", _qr, {"x": normal(3, 5)}, gradients=False),
    _linalg("svd", "square", _singular, x=positive_definite(3, 3)),
    _linalg("svd", "tall", _singular, x=normal(5, 3)),
    _linalg("svd", "wide", _singular, x=normal(3, 5)),
    _linalg("svd", "batch", _singular, x=normal(2, 4, 3)),
    _linalg("svd", "singular values alone", lambda B, x: B.svd(x)[1], x=normal(4, 4)),
    _linalg("eigh", "", _eigen, x=normal(4, 4)),
    _linalg("eigh", "batch", _eigen, x=normal(2, 3, 3)),
    _linalg("eigh", "eigenvalues alone", lambda B, x: B.eigh(_symmetric(B, x))[0], x=normal(4, 4)),
    _linalg("solve", "", lambda B, a, b: B.solve(a, b), a=positive_definite(4, 4), b=normal(4, 2)),
    _linalg(
        "solve",
        "batch",
        lambda B, a, b: B.solve(a, b),
        a=positive_definite(2, 3, 3),
        b=normal(2, 3, 1),
    ),
    _linalg(
        "solve_triangular",
        "lower",
        lambda B, a, b: B.solve_triangular(a, b, lower=True),
        a=_triangular(True),
        b=normal(2, 4, 3),
    ),
    _linalg(
        "solve_triangular",
        "upper",
        lambda B, a, b: B.solve_triangular(a, b),
        a=_triangular(False),
        b=normal(2, 4, 3),
    ),
    _linalg(
        "solve_triangular",
        "reads only its triangle",
        lambda B, a, b: B.solve_triangular(a, b, lower=True),
        a=positive_definite(4, 4),
        b=normal(4, 2),
    ),
    _linalg("det", "", lambda B, x: B.det(x), x=normal(4, 4)),
    _linalg("det", "batch", lambda B, x: B.det(x), x=normal(2, 3, 3)),
    Case(
        "det", "singular", lambda B, x: B.det(x), {"x": [[1.0, 2.0], [2.0, 4.0]]}, gradients=False
    ),
    _linalg("inv", "", lambda B, x: B.inv(x), x=positive_definite(4, 4)),
    _linalg("inv", "batch", lambda B, x: B.inv(x), x=positive_definite(2, 3, 3)),
]

CASES = [*PRODUCTS, *LINEAR, *LINALG]

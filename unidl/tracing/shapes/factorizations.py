"""Shape rules of linear algebra: those of `contract/factorizations.py`, and of `contract/math.py`
by factors."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, check_rank
from unidl.tracing.shapes.operands import common_dtype
from unidl.tracing.sizes import of_both


class Factorizations:
    def cholesky(self, x):
        _square("cholesky", x)
        return KerasTensor(x.shape, x.dtype)

    def inv(self, x):
        _square("inv", x)
        return KerasTensor(x.shape, x.dtype)

    def det(self, x):
        _square("det", x)
        return KerasTensor(x.shape[:-2], x.dtype)

    def eigh(self, x):
        _square("eigh", x)
        return KerasTensor(x.shape[:-1], x.dtype), KerasTensor(x.shape, x.dtype)

    def qr(self, x):
        *batch, m, n, k = _reduced("qr", x)
        return KerasTensor((*batch, m, k), x.dtype), KerasTensor((*batch, k, n), x.dtype)

    def svd(self, x):
        *batch, m, n, k = _reduced("svd", x)
        return (
            KerasTensor((*batch, m, k), x.dtype),
            KerasTensor((*batch, k), x.dtype),
            KerasTensor((*batch, k, n), x.dtype),
        )

    def lu_factor(self, x):
        *batch, m, n, k = _reduced("lu_factor", x)
        return KerasTensor((*batch, m, n), x.dtype), KerasTensor((*batch, k), "int32")

    def eig(self, x):
        _square("eig", x)
        return KerasTensor(x.shape[:-1], x.dtype), KerasTensor(x.shape, x.dtype)

    def solve(self, a, b):
        return _solve("solve", a, b)

    def solve_triangular(self, a, b, lower=False):
        return _solve("solve_triangular", a, b)


def _square(name, x):
    check_rank(name, "a matrix", x.shape, 2)
    if not agree(*x.shape[-2:]):
        raise ValueError(f"{name}: the matrices must be square, got the shape {x.shape}.")


def _reduced(name, x):
    """(*batch, m, n, min(m, n))"""
    check_rank(name, "a matrix", x.shape, 2)
    m, n = x.shape[-2:]
    return *x.shape, of_both(min, m, n)


def _solve(name, a, b):
    _square(name, a)
    check_rank(name, "the right side", b.shape, 2)
    if not agree(a.shape[-1], b.shape[-2]):
        raise ValueError(
            f"{name}: a {a.shape} and b {b.shape} do not fit: b needs {a.shape[-1]} rows. Write a "
            "single right-hand side as b[:, None]."
        )
    return KerasTensor(
        (*broadcast(name, a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), common_dtype(name, a, b)
    )

"""Symbolic rules: products and linear algebra."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, check_rank, one_axis
from unidl.tracing.shapes.elementwise import common_dtype
from unidl.tracing.shapes.subscripts import einsum_shape


class Products:
    def matmul(self, x1, x2):
        a, b = x1.shape, x2.shape
        if not a or not b:
            raise ValueError(
                f"matmul: both tensors need at least one axis, got {a} and {b}. Use multiply for numbers."
            )
        inner = b[-2] if len(b) > 1 else b[0]
        if not agree(a[-1], inner):
            raise ValueError(
                f"matmul: the shapes {a} and {b} do not fit: the last axis of the first, {a[-1]}, must equal the "
                f"{'last but one' if len(b) > 1 else 'only'} axis of the second, {inner}. Transpose one of them, or check the number "
                "of features."
            )
        batch = broadcast("matmul", a[:-2], b[:-2])
        return KerasTensor(
            (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ())), common_dtype("matmul", x1, x2)
        )

    def einsum(self, subscripts, *operands):
        dtype = common_dtype("einsum", *operands)
        return KerasTensor(einsum_shape(subscripts, [x.shape for x in operands]), dtype)

    def tensordot(self, x1, x2, axes):
        dtype, a, b = common_dtype("tensordot", x1, x2), x1.shape, x2.shape
        if isinstance(axes, int):
            if axes > min(len(a), len(b)):
                raise ValueError(
                    f"tensordot: {axes} axes cannot be contracted of the shapes {a} and {b}."
                )
            first, second = list(range(len(a) - axes, len(a))), list(range(axes))
        else:
            first, second = (
                [one_axis("tensordot", i, len(s), s) for i in ([ax] if isinstance(ax, int) else ax)]
                for ax, s in zip(axes, (a, b), strict=True)
            )
        if len(first) != len(second) or not all(
            agree(a[i], b[j]) for i, j in zip(first, second, strict=True)
        ):
            raise ValueError(
                f"tensordot: axes {first} of the shape {a} do not fit axes {second} of {b}; contracted axes must have equal sizes."
            )
        left = tuple(s for i, s in enumerate(a) if i not in first)
        right = tuple(s for i, s in enumerate(b) if i not in second)
        return KerasTensor(left + right, dtype)

    # -- linear algebra ----------------------------------------------------------------------------

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
    return *x.shape, None if None in (m, n) else min(m, n)


def _solve(name, a, b):
    _square(name, a)
    check_rank(name, "the right side", b.shape, 2)
    if not agree(a.shape[-1], b.shape[-2]):
        raise ValueError(
            f"{name}: a {a.shape} and b {b.shape} do not fit: b needs {a.shape[-1]} rows. A single right side is b[:, None]."
        )
    return KerasTensor(
        (*broadcast(name, a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), common_dtype(name, a, b)
    )

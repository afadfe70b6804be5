"""Linear algebra on the last two axes, batched."""

from __future__ import annotations

from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import call_float, call_promoted, op
from unidl.ops.elementwise import abs, power, square
from unidl.ops.reductions import max, min, sum


@op
def cholesky(x, upper=False):
    """Lower factor of symmetric positive definite matrices, or the upper one."""
    factor = call_float("cholesky", x)
    if not upper:
        return factor
    from unidl.ops.shaping import swapaxes

    return swapaxes(factor, -1, -2)


@op
def qr(x, mode="reduced"):
    """(q, r) with orthonormal q and upper triangular r."""
    if mode != "reduced":
        raise ValueError(f'qr: only mode="reduced" is offered, got {mode!r}.')
    return call_float("qr", x)


@op
def svd(x, full_matrices=False, compute_uv=True):
    """(u, s, vh), s descending; only s with compute_uv=False."""
    if full_matrices:
        raise ValueError("svd: only the reduced factors are offered; use full_matrices=False.")
    found = call_float("svd", x)
    return found if compute_uv else found[1]


@op
def eigh(x):
    """(eigenvalues ascending, eigenvectors in columns) of symmetric matrices."""
    return call_float("eigh", x)


@op
def inv(x):
    """Inverse."""
    return call_float("inv", x)


@op
def det(x):
    """Determinant."""
    return call_float("det", x)


@op
def solve(a, b):
    """x with a @ x = b; b a matrix, or a vector where it has one axis fewer than a."""
    return _solve("solve", a, b)


@op
def solve_triangular(a, b, lower=False):
    """Like `solve`, reading only one triangle of a."""
    return _solve("solve_triangular", a, b, lower=lower)


def _solve(name, a, b, **options):
    if len(shape_of(b)) == len(shape_of(a)) - 1:
        from unidl.ops.shaping import expand_dims, squeeze

        return squeeze(call_promoted(name, a, expand_dims(b, -1), to_floats=True, **options), -1)
    return call_promoted(name, a, b, to_floats=True, **options)


@op
def norm(x, ord=None, axis=None, keepdims=False):
    """Vector norm over `axis` (all by default): ord None or 2, 1, inf, -inf, or any number. The gradient at 0 is 0."""
    if ord in (None, 2, "fro"):
        return _root(sum(square(x), axis=axis, keepdims=keepdims))
    if ord == float("inf"):
        return max(abs(x), axis=axis, keepdims=keepdims)
    if ord == float("-inf"):
        return min(abs(x), axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(abs(x), axis=axis, keepdims=keepdims)
    if isinstance(ord, int | float):
        return power(sum(power(abs(x), ord), axis=axis, keepdims=keepdims), 1.0 / ord)
    raise ValueError(f"norm: ord must be a number, None or 'fro', got {ord!r}.")


def _root(total):
    """sqrt with gradient 0 at 0."""
    from unidl.ops.shaping import where

    positive = call_promoted("greater", total, 0)
    return where(positive, call_float("sqrt", where(positive, total, 1.0)), 0.0)

"""Linear algebra on the last two axes, batched over those before."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.ops.core import shape as shape_of
from unidl.ops.creation import zeros_like
from unidl.ops.dispatch import call, call_float, call_promoted, op, owner_of, tensor_of
from unidl.ops.elementwise import abs as abs_
from unidl.ops.elementwise import multiply, power, reciprocal, sign, sqrt, square
from unidl.ops.exponentials import log
from unidl.ops.indexing import where
from unidl.ops.products import diagonal, matmul
from unidl.ops.reductions import max as max_
from unidl.ops.reductions import min as min_
from unidl.ops.reductions import sum as sum_
from unidl.ops.shaping import expand_dims, swapaxes
from unidl.ops.thin_functions import unary
from unidl.typing import Axis, Tensor, TensorLike

det = unary(
    "det",
    """Determinant: (..., n, n) -> (...).

    Examples:
        >>> unidl.ops.det([[1.0, 2.0], [3.0, 4.0]])
        array(-2., dtype=float32)
    """,
)
eigh = unary(
    "eigh",
    """(eigenvalues (..., n) ascending, eigenvectors (..., n, n) in columns) of symmetric matrices.

    Examples:
        >>> values, vectors = unidl.ops.eigh([[2.0, 1.0], [1.0, 2.0]])
        >>> values  # ascending
        array([1., 3.], dtype=float32)
    """,
)
eig = unary(
    "eig",
    """(eigenvalues (..., n), eigenvectors (..., n, n) of length 1 in columns) of matrices whose
    eigenvalues are real.

    A complex eigenvalue is an error, since there are no complex dtypes. On the host, so not in
    compiled functions that trace.

    Examples:
        >>> values, vectors = unidl.ops.eig([[2.0, 0.0], [0.0, 3.0]])
        >>> values
        array([2., 3.], dtype=float32)
    """,
)
lu_factor = unary(
    "lu_factor",
    """(lu (..., m, n), pivots (..., min(m, n)) int32): row i was exchanged with row pivots[i], then
    x = L U.

    L has ones on its diagonal and stands below that of lu, U on and above it.

    Examples:
        >>> lu, pivots = unidl.ops.lu_factor([[1.0, 2.0], [4.0, 4.0]])
        >>> lu, pivots  # L below the diagonal, U from it up
        (array([[4.  , 4.  ],
               [0.25, 1.  ]], dtype=float32), array([1, 1], dtype=int32))
    """,
)


@op
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """Lower factor L of symmetric positive definite matrices x = L L^T; its transpose with
    `upper`. A matrix that is not positive definite is an error in an eager call.

    Examples:
        >>> unidl.ops.cholesky([[4.0, 2.0], [2.0, 5.0]])
        array([[2., 0.],
               [1., 2.]], dtype=float32)
    """
    factor = _cholesky("cholesky", x)
    return swapaxes(factor, -1, -2) if upper else factor


@op
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Tensor:
    """Inverse of the matrix whose Cholesky factor is x.

    Examples:
        >>> factor = unidl.ops.cholesky([[4.0, 0.0], [0.0, 2.0]])
        >>> unidl.ops.cholesky_inverse(factor)  # of the matrix itself
        array([[0.25, 0.  ],
               [0.  , 0.5 ]], dtype=float32)
    """
    lower = swapaxes(x, -1, -2) if upper else x
    inverse = call_float("inv", lower)
    return matmul(swapaxes(inverse, -1, -2), inverse)


@op
def qr(x: TensorLike, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """(q, r) with x = q r, q (..., m, k) orthonormal, r (..., k, n) upper triangular, k = min(m,
    n).

    Examples:
        >>> q, r = unidl.ops.qr(np.ones((5, 2)))
        >>> q.shape, r.shape
        ((5, 2), (2, 2))
    """
    if mode != "reduced":
        raise ValueError(f'qr: only mode="reduced" is supported, got {mode!r}.')
    return call_float("qr", x)


@op
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """(u, s, vh) with x = u diag(s) vh and s descending; s alone without `compute_uv`.

    `full_matrices=True` (the default of NumPy) is possible for square matrices; else write
    `full_matrices=False`.

    Examples:
        >>> u, s, vt = unidl.ops.svd(np.diag([3.0, 2.0]))
        >>> s
        array([3., 2.])
        >>> unidl.ops.svd(np.ones((5, 2)), full_matrices=False)[0].shape
        (5, 2)
    """
    backend, x = tensor_of(x)
    m, n = backend.shape(x)[-2:]
    if full_matrices and compute_uv and m != n:
        raise ValueError(
            f"svd: full matrices of a {m} x {n} matrix are not available. Write svd(x, "
            "full_matrices=False)."
        )
    u, s, vh = call_float("svd", x)
    return (u, s, vh) if compute_uv else s


@op
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """x with a @ x = b: a (..., n, n), b (..., n, k), or (n,) for one right side.

    Examples:
        >>> unidl.ops.solve([[2.0, 0.0], [1.0, 1.0]], [4.0, 5.0])
        array([2., 3.], dtype=float32)
    """
    return _solve("solve", a, b)


@op
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """Like `solve` for an upper (or `lower`) triangular a.

    Examples:
        >>> unidl.ops.solve_triangular([[2.0, 0.0], [1.0, 1.0]], [4.0, 5.0], lower=True)
        array([2., 3.], dtype=float32)
    """
    return _solve("solve_triangular", a, b, lower=lower)


@op
def inv(x: TensorLike) -> Tensor:
    """Inverse: (..., n, n) -> (..., n, n). That of a singular matrix is an error in an eager
    call.

    Examples:
        >>> unidl.ops.inv([[2.0, 0.0], [0.0, 4.0]])
        array([[0.5 , 0.  ],
               [0.  , 0.25]], dtype=float32)
    """
    return _defined("inv", _SINGULAR, lambda: call_float("inv", x), x, np.linalg.inv)


_SINGULAR = "the matrix is singular. Use ops.pinv or ops.lstsq for the nearest solution"


def _solve(name: str, a: TensorLike, b: TensorLike, **kwargs: Any) -> Any:
    def on_host(matrix: np.ndarray) -> Any:
        if name == "solve_triangular":
            matrix = np.tril(matrix) if kwargs["lower"] else np.triu(matrix)
        return np.linalg.inv(matrix)

    return _defined(name, _SINGULAR, lambda: _solution(name, a, b, **kwargs), a, on_host)


def _solution(name: str, a: TensorLike, b: TensorLike, **kwargs: Any) -> Any:
    if len(shape_of(b)) == len(shape_of(a)) - 1:
        solution = call_promoted(name, a, expand_dims(b, -1), to_floats=True, **kwargs)
        return call("squeeze", solution, axis=-1)
    return call_promoted(name, a, b, to_floats=True, **kwargs)


@op
def pinv(x: TensorLike, rcond: float | None = None) -> Tensor:
    """Pseudo-inverse (Moore and Penrose); singular values up to `rcond` times the largest count as
    0.

    Examples:
        >>> unidl.ops.pinv([[1.0], [1.0]])
        array([[0.5, 0.5]], dtype=float32)
    """
    u, s, vh = call_float("svd", x)
    backend, s = tensor_of(s)
    if rcond is None:
        rcond = max(_shape(x)[-2:]) * _EPSILON[backend.dtype(s)]
    small = call("less_equal", s, multiply(max_(s, -1, keepdims=True), rcond))
    inverse = where(small, 0, reciprocal(where(small, 1, s)))
    return matmul(multiply(swapaxes(vh, -1, -2), expand_dims(inverse, -2)), swapaxes(u, -1, -2))


@op
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> Tensor:
    """x with the smallest |a @ x - b|, of minimal norm: a (m, n), b (m,) or (m, k).

    Examples:
        >>> a = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])  # a line through three points
        >>> unidl.ops.lstsq(a, np.array([1.0, 3.0, 5.0]))
        array([1., 2.])
    """
    return matmul(pinv(a, rcond), b)


@op
def matrix_rank(x: TensorLike, tol: float | None = None) -> Tensor:
    """int32 number of singular values above `tol`, by default the largest times max(m, n) times the
    dtype's epsilon.

    Examples:
        >>> unidl.ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]])
        array(1, dtype=int32)
    """
    _, s, _ = call_float("svd", x)
    backend, s = tensor_of(s)
    if tol is None:
        tol = multiply(max_(s, -1, keepdims=True), max(_shape(x)[-2:]) * _EPSILON[backend.dtype(s)])
    return sum_(backend.cast(call_promoted("greater", s, tol), "int32"), -1)


@op
def slogdet(x: TensorLike) -> tuple[Tensor, Tensor]:
    """(sign, log of |determinant|), each (...).

    Examples:
        >>> sign, logabsdet = unidl.ops.slogdet([[0.0, 2.0], [1.0, 0.0]])
        >>> sign, logabsdet
        (array(-1., dtype=float32), array(0.6931, dtype=float32))
    """
    # By QR, the determinant of an orthonormal q being 1 or -1: no product that could overflow.
    q, r = call_float("qr", x)
    pivots = diagonal(r, 0, -2, -1)
    signs = multiply(call("prod", sign(pivots), axis=-1), sign(call("det", q)))
    return signs, sum_(log(abs_(pivots)), -1)


@op
def logdet(x: TensorLike) -> Tensor:
    """log of the determinant of symmetric positive definite matrices, by their Cholesky factor.

    Examples:
        >>> unidl.ops.logdet([[2.0, 0.0], [0.0, 0.5]])
        array(0., dtype=float32)
    """
    return multiply(sum_(log(diagonal(_cholesky("logdet", x), 0, -2, -1)), -1), 2.0)


def _cholesky(name: str, x: TensorLike) -> Any:
    return _defined(
        name,
        "the matrix is not positive definite. If it should be, add a little to its diagonal: x + "
        "1e-6 * ops.eye(n)",
        lambda: call_float("cholesky", x),
        x,
        np.linalg.cholesky,
    )


def _defined(name: str, why: str, compute: Any, x: TensorLike, on_host: Any) -> Any:
    """`compute()`, or a ValueError that says `why` there is no result: where NumPy's `on_host(x)`
    has none, or not all of an eager result's numbers are finite though those of x are."""
    try:
        result = compute()
    except Exception as error:
        matrix = _host_matrix(x)
        if matrix is None:
            raise
        try:
            on_host(matrix)
        except np.linalg.LinAlgError as reason:
            if matrix.ndim >= 2 and matrix.shape[-1] == matrix.shape[-2]:
                raise ValueError(f"{name}: {why}.") from reason
        raise error
    backend = owner_of(result)
    if backend is not None and backend.has_value(result) and 0 not in backend.shape(result):
        finite = backend.to_numpy(backend.all(backend.isfinite(result), None))
        if not finite and np.isfinite(_host_matrix(x)).all():
            raise ValueError(f"{name}: {why}.")
    return result


def _host_matrix(x: TensorLike) -> Any:
    """x on the host in float64, None if it has no value now."""
    backend, x = tensor_of(x)
    return backend.to_numpy(x).astype("float64") if backend.has_value(x) else None


@op
def norm(
    x: TensorLike,
    ord: int | float | str | None = None,
    axis: Axis | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Norm of vectors (`axis` an int, or None for all elements) or matrices (`axis` a pair), with
    gradient 0 at 0.

    ord for vectors: None or 2 (Euclidean), 1, inf, -inf, 0 (number of non-zeros) or any other
    number; for matrices: None or "fro", "nuc", 1, -1, inf, -inf, 2, -2.

    Examples:
        >>> unidl.ops.norm([3.0, 4.0])
        array(5., dtype=float32)
        >>> unidl.ops.norm([[3.0, 4.0], [6.0, 8.0]], axis=-1)
        array([ 5., 10.], dtype=float32)
        >>> unidl.ops.norm([3.0, -4.0], ord=1)
        array(7., dtype=float32)
    """
    backend, x = tensor_of(x)
    if not dtypes.is_float(backend.dtype(x)):
        x = backend.cast(x, dtypes.floatx())
    rank = len(backend.shape(x))
    axes = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return _root(sum_(square(x), axes, keepdims))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, tuple(a % rank for a in axes), keepdims)
    raise ValueError(
        f"norm: ord={ord!r} is defined for vectors and matrices; give `axis`, one int or two, for "
        f"{backend.shape(x)}."
    )


def _root(x: TensorLike, ord: Any = 2) -> Any:
    """The root of that order, with gradient 0 at 0."""
    zero = call("equal", x, zeros_like(x))
    positive = where(zero, 1, x)
    return where(zero, x, sqrt(positive) if ord == 2 else power(positive, 1.0 / ord))


def _vector_norm(x: TensorLike, ord: Any, axes: Any, keepdims: Any) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is a matrix norm; give two axes, or a number as ord.")
    size = abs_(x)
    if ord in (math.inf, -math.inf):
        return (max_ if ord > 0 else min_)(size, axes, keepdims)
    if ord == 0:
        backend, x = tensor_of(x)
        return sum_(backend.cast(backend.cast(x, "bool"), backend.dtype(x)), axes, keepdims)
    return (
        sum_(size, axes, keepdims)
        if ord == 1
        else _root(sum_(power(size, ord), axes, keepdims), ord)
    )


def _matrix_norm(x: TensorLike, ord: Any, axes: Any, keepdims: Any) -> Any:
    rows, columns = axes
    if ord in (1, -1, math.inf, -math.inf):
        added, chosen = (rows, columns) if ord in (1, -1) else (columns, rows)
        result = (max_ if ord > 0 else min_)(
            sum_(abs_(x), added, keepdims=True), chosen, keepdims=True
        )
    elif ord in (2, -2, "nuc"):
        s = svd(
            call(
                "transpose",
                x,
                axes=(*(a for a in range(len(_shape(x))) if a not in axes), rows, columns),
            ),
            compute_uv=False,
        )
        result = sum_(s, -1) if ord == "nuc" else (max_ if ord > 0 else min_)(s, -1)
        return expand_dims(result, tuple(sorted(axes))) if keepdims else result
    else:
        raise ValueError(
            'norm: for matrices ord must be None, "fro", "nuc", 1, -1, 2, -2, inf or -inf, got '
            f"{ord!r}."
        )
    return result if keepdims else call("squeeze", result, axis=axes)


_EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def _shape(x: TensorLike) -> Any:
    backend, x = tensor_of(x)
    return tuple(backend.shape(x))


@op
def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """(..., m, n) Euclidean distances of the rows of x (..., m, d) and y (..., n, d).

    Examples:
        >>> unidl.ops.cdist([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0]])
        array([[4.],
               [5.]], dtype=float32)
    """
    difference = call_promoted("subtract", expand_dims(x, -2), expand_dims(y, -3), to_floats=True)
    return norm(difference, axis=-1)

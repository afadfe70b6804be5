"""Products of tensors, diagonals and triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.ops.dispatch import (
    backend_of,
    call,
    call_promoted,
    convert,
    op,
    prepare,
    promote,
    run,
    tensor_of,
)
from unidl.ops.elementwise import multiply, subtract
from unidl.ops.indexing import where
from unidl.ops.joining import stack
from unidl.ops.reductions import sum as sum_
from unidl.ops.shaping import expand_dims, moveaxis, ravel, reshape
from unidl.ops.thin_functions import binary
from unidl.typing import Tensor, TensorLike

matmul = binary(
    "matmul",
    """Matrix product of the last two axes; axes before them broadcast. (..., m, k) @ (..., k, n) ->
    (..., m, n).

    A 1-D x1 is a row, a 1-D x2 a column, and that axis is absent from the result.

    Examples:
        >>> unidl.ops.matmul([[1, 2], [3, 4]], [10, 1])
        array([12, 34], dtype=int32)
        >>> unidl.ops.matmul(np.ones((5, 2, 3)), np.ones((5, 3, 4))).shape  # matrix by matrix
        (5, 2, 4)
    """,
)


@op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Sum of products by named axes, e.g. einsum("bij,bjk->bik", a, b); "..." stands for axes that
    broadcast.

    Examples:
        >>> a, b = np.ones((2, 3)), np.ones((3, 4))
        >>> unidl.ops.einsum("ij,jk->ik", a, b).shape
        (2, 4)
        >>> unidl.ops.einsum("...i->...", a)
        array([3., 3.])
    """
    if kwargs:
        raise TypeError(f"einsum: unknown arguments {', '.join(kwargs)}.")
    backend, tensors = prepare(operands)
    tensors = promote(backend, [backend.asarray(x) for x in tensors])
    return run(backend, "einsum", [subscripts, *tensors], {})


@op
def tensordot(x1: TensorLike, x2: TensorLike, axes: Any = 2) -> Tensor:
    """Product summed over axes of both: the last `axes` of x1 with the first of x2, or a pair of
    axis lists.

    Examples:
        >>> unidl.ops.tensordot(np.ones((2, 3, 4)), np.ones((3, 4, 5))).shape  # 2 axes by default
        (2, 5)
        >>> unidl.ops.tensordot(np.ones((2, 3)), np.ones((4, 3)), axes=[[1], [1]]).shape
        (2, 4)
    """
    if not isinstance(axes, int):
        axes = tuple([a] if isinstance(a, int) else list(a) for a in axes)
    return call_promoted("tensordot", *_tensors(x1, x2), axes=axes)


@op
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum over the last axis of x1 and the last but one (the only one) of x2; of numbers their
    product.

    Examples:
        >>> unidl.ops.dot([1.0, 2.0], [3.0, 4.0])
        array(11., dtype=float32)
        >>> unidl.ops.dot(np.ones((2, 3, 4)), np.ones((5, 4, 6))).shape  # all pairs
        (2, 3, 5, 6)
    """
    x1, x2 = _tensors(x1, x2)
    first, second = _rank(x1), _rank(x2)
    if first == 0 or second == 0:
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=((first - 1,), (max(second - 2, 0),)))


@op
def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of the products of all elements, in order.

    Examples:
        >>> unidl.ops.vdot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]])
        array(10., dtype=float32)
    """
    return dot(ravel(x1), ravel(x2))


@op
def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum over the last axes of both; of numbers their product.

    Examples:
        >>> unidl.ops.inner([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])
        array([12., 34.], dtype=float32)
    """
    x1, x2 = _tensors(x1, x2)
    if _rank(x1) == 0 or _rank(x2) == 0:
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=((-1,), (-1,)))


@op
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """(m, n) products of each element of x1 with each of x2, both flattened.

    Examples:
        >>> unidl.ops.outer([1.0, 2.0], [10.0, 20.0, 30.0])
        array([[10., 20., 30.],
               [20., 40., 60.]], dtype=float32)
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


@op
def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Kronecker product: each element of x1 replaced by it times x2.

    Examples:
        >>> unidl.ops.kron([[1, 2]], [[1, 10]])
        array([[ 1, 10,  2, 20]], dtype=int32)
    """
    x1, x2 = _tensors(x1, x2)
    rank = max(_rank(x1), _rank(x2))
    x1, x2 = (reshape(x, (1,) * (rank - _rank(x)) + _shape(x)) for x in (x1, x2))
    spread = multiply(
        expand_dims(x1, tuple(range(1, 2 * rank, 2))), expand_dims(x2, tuple(range(0, 2 * rank, 2)))
    )
    return reshape(spread, tuple(a * b for a, b in zip(_shape(x1), _shape(x2), strict=True)))


@op
def cross(
    x1: TensorLike,
    x2: TensorLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Tensor:
    """Cross product of vectors of length 3 along `axis` (or `axisa`, `axisb`, result along
    `axisc`).

    Examples:
        >>> unidl.ops.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
        array([0., 0., 1.], dtype=float32)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = _tensors(x1, x2)
    if _shape(x1)[axisa] != 3 or _shape(x2)[axisb] != 3:
        raise ValueError(
            f"cross: both vectors need 3 elements, got the shapes {_shape(x1)} and {_shape(x2)}. "
            "For 2 elements append a 0."
        )
    a, b = (
        [call("take", x, i, axis=place) for i in range(3)]
        for x, place in ((x1, axisa), (x2, axisb))
    )
    parts = [
        subtract(multiply(a[i], b[j]), multiply(a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))
    ]
    return moveaxis(stack(parts, -1), -1, axisc)


# -- diagonals and triangles -----------------------------------------------------------------------


@op
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Elements x[..., i, i + offset] of the planes of axis1 and axis2, along a new last axis.

    Examples:
        >>> unidl.ops.diagonal([[1, 2, 3], [4, 5, 6]], offset=1)
        array([2, 6], dtype=int32)
    """
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    *_, rows, columns = _shape(x)
    first, second = max(0, -offset), max(0, offset)
    count = max(0, min(rows - first, columns - second))
    flat = (np.arange(count) + first) * columns + np.arange(count) + second
    return call(
        "take", reshape(x, (*_open(_shape(x)[:-2]), rows * columns)), flat.astype("int32"), axis=-1
    )


@op
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix, or the matrix with x (n,) on its k-th diagonal and 0
    elsewhere.

    Examples:
        >>> unidl.ops.diag([1, 2])
        array([[1, 0],
               [0, 2]], dtype=int32)
        >>> unidl.ops.diag([[1, 2], [3, 4]])
        array([1, 4], dtype=int32)
    """
    if _rank(x) == 2:
        return diagonal(x, k)
    n = _shape(x)[0] + abs(k)
    column = call("pad", x, pad_width=((max(0, -k), max(0, k)),))
    return where(np.eye(n, k=k, dtype=bool), expand_dims(column, -1), 0)


@op
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """The matrix with all elements of x on its k-th diagonal.

    Examples:
        >>> unidl.ops.diagflat([[1, 2]], k=1)
        array([[0, 1, 0],
               [0, 0, 2],
               [0, 0, 0]], dtype=int32)
    """
    return diag(ravel(x), k)


@op
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum of the diagonal.

    Examples:
        >>> unidl.ops.trace([[1, 2], [3, 4]])
        array(5, dtype=int32)
    """
    return sum_(diagonal(x, offset, axis1, axis2), -1)


@op
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """x with 0 above the k-th diagonal of the last two axes.

    Examples:
        >>> unidl.ops.tril([[1, 2], [3, 4]])
        array([[1, 0],
               [3, 4]], dtype=int32)
    """
    return where(_lower_triangle("tril", x, k), x, 0)


@op
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """x with 0 below the k-th diagonal of the last two axes.

    Examples:
        >>> unidl.ops.triu([[1, 2], [3, 4]], k=1)
        array([[0, 2],
               [0, 0]], dtype=int32)
    """
    return where(_lower_triangle("triu", x, k - 1), 0, x)


@op
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """(n, N) powers of x (n,), from N - 1 down to 0, or up from 0.

    Examples:
        >>> unidl.ops.vander([2, 3], 3)
        array([[4, 2, 1],
               [9, 3, 1]], dtype=int32)
    """
    count = _shape(x)[0] if N is None else N
    powers = np.arange(count) if increasing else np.arange(count)[::-1]
    backend, x = tensor_of(x)
    return call_promoted("power", expand_dims(x, -1), backend.asarray(powers.astype("int32")))


# -- helpers ---------------------------------------------------------------------------------------


def _tensors(*xs: Any) -> Any:
    backend = backend_of(xs)
    return [backend.asarray(convert(backend, x)) for x in xs]


def _shape(x: TensorLike) -> Any:
    backend, x = tensor_of(x)
    return tuple(backend.shape(x))


def _rank(x: TensorLike) -> int:
    return len(_shape(x))


def _open(shape: Any) -> Any:
    return tuple(-1 if size is None else size for size in shape)


def _lower_triangle(name: str, x: TensorLike, k: int) -> np.ndarray:
    """Ones on and below the k-th diagonal of x's last two axes, as bools."""
    shape = _shape(x)
    if len(shape) < 2 or None in shape[-2:]:
        raise ValueError(
            f"{name}: the last two axes must exist and have known sizes, got the shape {shape}."
        )
    rows, columns = shape[-2:]
    return np.tri(rows, columns, k, dtype=bool)

"""Products of tensors."""

from __future__ import annotations

from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import backend_of, call_promoted, convert, op, promote, run
from unidl.ops.elementwise import multiply
from unidl.ops.reductions import sum


@op
def matmul(x1, x2):
    """Matrix product on the last two axes, batch axes broadcast; 1-D tensors are vectors."""
    return call_promoted("matmul", x1, x2)


@op
def einsum(subscripts, *operands):
    """Einstein's summation, "bij,bjk->bik"; ellipsis allowed."""
    backend = backend_of(operands)
    return run(backend, "einsum", [subscripts, *promote(backend, [convert(backend, x) for x in operands])], {})


@op
def tensordot(x1, x2, axes=2):
    """Sum of products over `axes`: an int (last of x1 with first of x2), or a pair of lists."""
    return call_promoted("tensordot", x1, x2, axes=axes)


@op
def dot(x1, x2):
    """NumPy's dot: the last axis of x1 with the second last of x2; plain products with scalars."""
    rank1, rank2 = len(shape_of(x1)), len(shape_of(x2))
    if 0 in (rank1, rank2):
        return multiply(x1, x2)
    if rank1 <= 2 and rank2 <= 2:
        return matmul(x1, x2)
    return tensordot(x1, x2, axes=((rank1 - 1,), (max(rank2 - 2, 0),)))


@op
def vdot(x1, x2):
    """Sum of the products of all elements."""
    return sum(multiply(x1, x2))


@op
def inner(x1, x2):
    """Sum of products over the last axes."""
    if 0 in (len(shape_of(x1)), len(shape_of(x2))):
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=((len(shape_of(x1)) - 1,), (len(shape_of(x2)) - 1,)))


@op
def cross(x1, x2):
    """Vector product on last axes of size 3."""
    from unidl.ops.shaping import roll

    left = multiply(roll(x1, -1, -1), roll(x2, 1, -1))
    right = multiply(roll(x1, 1, -1), roll(x2, -1, -1))
    return call_promoted("subtract", left, right)

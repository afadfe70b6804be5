"""matmul, einsum and their gradients; everything that can be a GEMM is one."""

from __future__ import annotations

import math

import numpy as np

from unidl_numpy import shaping
from unidl_numpy.broadcasting import axes_of
from unidl_numpy.sums import unbroadcast
from unidl_numpy.tape import ALL, primitive


def _rows(x):
    """(..., k) as a matrix (-1, k), also when k is 0."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def dot(x, w):
    """(..., k) @ (k, m) as one GEMM."""
    return (_rows(x) @ w).reshape(*x.shape[:-1], w.shape[-1])


def dot_weights(x, g):
    """Gradient of `dot` for w: (..., k), (..., m) -> (k, m), summed over the leading axes in one
    GEMM."""
    return _rows(x).T @ _rows(g)


@primitive(2)
def matmul(x1, x2):
    if x2.ndim == 2 and x1.ndim >= 2:
        return dot(x1, x2), (lambda g: dot(g, x2.T), lambda g: dot_weights(x1, g))
    if x1.ndim == 1 or x2.ndim == 1:
        return x1 @ x2, lambda g, needs: _matmul_vectors(x1, x2, g)
    return x1 @ x2, (
        lambda g: unbroadcast(g @ np.swapaxes(x2, -1, -2), x1.shape),
        lambda g: unbroadcast(np.swapaxes(x1, -1, -2) @ g, x2.shape),
    )


def _matmul_vectors(x1, x2, g):
    """A vector is a matrix of one row (left) or one column (right)."""
    a = x1[None, :] if x1.ndim == 1 else x1
    b = x2[:, None] if x2.ndim == 1 else x2
    if x1.ndim == 1:
        g = g[..., None] if x2.ndim == 1 else g
        g = g[..., None, :]
    else:
        g = g[..., :, None]
    da = unbroadcast(g @ np.swapaxes(b, -1, -2), a.shape)
    db = unbroadcast(np.swapaxes(a, -1, -2) @ g, b.shape)
    return da.reshape(x1.shape), db.reshape(x2.shape)


def tensordot(x1, x2, axes):
    if isinstance(axes, int):
        axes = range(x1.ndim - axes, x1.ndim), range(axes)
    common1, common2 = (
        axes_of(ax if isinstance(ax, int) else tuple(ax), x.ndim)
        for ax, x in zip(axes, (x1, x2), strict=True)
    )
    free1, free2 = (
        [a for a in range(x.ndim) if a not in common]
        for x, common in ((x1, common1), (x2, common2))
    )
    shape = [x1.shape[a] for a in free1] + [x2.shape[a] for a in free2]
    count = math.prod(x1.shape[a] for a in common1)
    left = shaping.reshape(
        shaping.transpose(x1, (*free1, *common1)), (math.prod(shape[: len(free1)]), count)
    )
    right = shaping.reshape(
        shaping.transpose(x2, (*common2, *free2)), (count, math.prod(shape[len(free1) :]))
    )
    return shaping.reshape(matmul(left, right), tuple(shape))


def einsum(subscripts, *operands):
    return _einsum(*operands, subscripts=subscripts)


@primitive(ALL)
def _einsum(*operands, subscripts):
    inputs, output = explicit_subscripts(subscripts, [x.ndim for x in operands])

    def backward(g, needs):
        return [
            _operand_gradient(i, inputs, output, operands, g) if need else None
            for i, need in enumerate(needs)
        ]

    return contract(inputs, output, operands), backward


def explicit_subscripts(subscripts, ranks):
    """([letters of each operand], letters of the result), the ellipsis written out in letters of
    its own."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise ValueError(f"einsum: {subscripts!r} names {len(inputs)} operands, got {len(ranks)}.")
    unused = [c for c in map(chr, (*range(65, 91), *range(97, 123))) if c not in subscripts]
    widths = [
        rank - len(term.replace("...", "")) if "..." in term else 0
        for term, rank in zip(inputs, ranks, strict=True)
    ]
    dots = "".join(unused[: max(widths, default=0)])
    inputs = [
        term.replace("...", dots[len(dots) - width :])
        for term, width in zip(inputs, widths, strict=True)
    ]
    if arrow:
        return inputs, output.replace("...", dots)
    letters = "".join(inputs)
    return inputs, dots + "".join(
        sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots)
    )


def contract(inputs, output, operands):
    """einsum with explicit letters; two operands without repeated letters go to matmul."""
    if len(operands) == 2 and all(len(set(term)) == len(term) for term in inputs):
        sizes = _sizes(inputs, operands)
        if all(
            sizes[c] == n
            for term, x in zip(inputs, operands, strict=True)
            for c, n in zip(term, x.shape, strict=True)
        ):
            return _contract_two(*inputs, output, *operands, sizes)
    return np.einsum(f"{','.join(inputs)}->{output}", *operands, optimize=len(operands) > 2)


def _contract_two(a, b, output, x, y, sizes):
    """Batched matmul of (batch, free of a, common) with (batch, common, free of b)."""
    a, x = _sum_out(a, x, b + output)
    b, y = _sum_out(b, y, a + output)
    batch = [c for c in a if c in b and c in output]
    common = [c for c in a if c in b and c not in output]
    free_a = [c for c in a if c not in b]
    free_b = [c for c in b if c not in a]

    def arranged(term, value, groups):
        value = value.transpose([term.index(c) for group in groups for c in group])
        return value.reshape(
            [
                *(sizes[c] for c in batch),
                *(math.prod(sizes[c] for c in group) for group in groups[1:]),
            ]
        )

    product = arranged(a, x, (batch, free_a, common)) @ arranged(b, y, (batch, common, free_b))
    order = [*batch, *free_a, *free_b]
    product = product.reshape([sizes[c] for c in order])
    return product.transpose([order.index(c) for c in output])


def _sum_out(term, x, elsewhere):
    """Sum over the letters of `term` that occur nowhere else."""
    axes = tuple([i for i, c in enumerate(term) if c not in elsewhere])
    return (
        (term, x)
        if not axes
        else ("".join(c for c in term if c in elsewhere), x.sum(axis=axes, dtype=x.dtype))
    )


def _sizes(inputs, operands):
    sizes = {}
    for term, x in zip(inputs, operands, strict=True):
        for c, n in zip(term, x.shape, strict=True):
            sizes[c] = n if sizes.get(c, 1) == 1 else sizes[c]
    return sizes


def _operand_gradient(i, inputs, output, operands, g):
    """The einsum of `g` with the other operands, spread over letters that only operand i has."""
    sizes, term, x = _sizes(inputs, operands), inputs[i], operands[i]
    others = [t for j, t in enumerate(inputs) if j != i]
    letters = "".join(dict.fromkeys(term))
    known = "".join(c for c in letters if c in output or any(c in t for t in others))
    dx = contract([output, *others], known, [g, *(y for j, y in enumerate(operands) if j != i)])
    dx = dx.reshape([sizes[c] if c in known else 1 for c in letters])
    dx = np.broadcast_to(dx, [sizes[c] for c in letters])
    if len(letters) == len(term):
        return unbroadcast(dx, x.shape)
    # A repeated letter reads a diagonal: write into the diagonal of zeros.
    full = np.zeros(x.shape, x.dtype)
    strides = [
        sum(s for c, s in zip(term, full.strides, strict=True) if c == letter) for letter in letters
    ]
    np.lib.stride_tricks.as_strided(full, dx.shape, strides)[...] = dx
    return full

"""Linear algebra on the last two axes.

Gradients: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); Walter & Lehmann (arXiv:1009.6112) for QR; Townsend, "Differentiating the
singular value decomposition" (2016).
"""

from __future__ import annotations

import numpy as np

from unidl_numpy.tape import primitive


def _t(x):
    return np.swapaxes(x, -1, -2)


def _half(x):
    """The lower triangle, its diagonal halved."""
    return np.tril(x) - np.eye(x.shape[-1], dtype=x.dtype) * (x * x.dtype.type(0.5))


def _or_zeros(g, like):
    return np.zeros_like(like) if g is None else g


@primitive
def cholesky(x):
    low = np.linalg.cholesky(x)

    def backward(g):
        middle = _half(_t(low) @ g)
        s = np.linalg.solve(_t(low), _t(np.linalg.solve(_t(low), _t(middle))))
        return (s + _t(s)) * s.dtype.type(0.5)

    return low, (backward,)


@primitive
def qr(x):
    q, r = np.linalg.qr(x)
    m, n = x.shape[-2:]

    def square(q, r, gq, gr):
        middle = r @ _t(gr) - _t(gq) @ q
        middle = np.tril(middle) + _t(np.tril(middle, -1))
        return _t(np.linalg.solve(r, _t(gq + q @ middle)))

    def backward(gs, needs):
        gq, gr = _or_zeros(gs[0], q), _or_zeros(gs[1], r)
        if m >= n:
            return (square(q, r, gq, gr),)
        # A wide matrix is [X Y] = Q [U V]: X as a square one, and Y = Q V.
        gu, gv = gr[..., :m], gr[..., m:]
        left = square(q, r[..., :m], gq + x[..., m:] @ _t(gv), gu)
        return (np.concatenate([left, q @ gv], -1),)

    return (q, r), backward


def _gaps(values):
    """1 / (values[j] - values[i]), 0 on the diagonal."""
    gap = values[..., None, :] - values[..., :, None]
    same = np.eye(values.shape[-1], dtype=bool)
    return np.where(same, values.dtype.type(0), 1 / np.where(same, values.dtype.type(1), gap))


@primitive
def eigh(x):
    values, vectors = np.linalg.eigh(x)

    def backward(gs, needs):
        gl, gv = _or_zeros(gs[0], values), _or_zeros(gs[1], vectors)
        inner = (
            _gaps(values) * (_t(vectors) @ gv)
            + np.eye(values.shape[-1], dtype=x.dtype) * gl[..., None, :]
        )
        dx = vectors @ inner @ _t(vectors)
        return ((dx + _t(dx)) * dx.dtype.type(0.5),)

    return (values, vectors), backward


@primitive
def svd(x):
    u, s, vh = np.linalg.svd(x, full_matrices=False)

    def backward(gs, needs):
        gu, gs_, gv = _or_zeros(gs[0], u), _or_zeros(gs[1], s), _t(_or_zeros(gs[2], vh))
        v, ut = _t(vh), _t(u)
        f = _gaps(s * s)
        a, b = ut @ gu, vh @ gv
        row, column = s[..., None, :], s[..., :, None]
        inner = (
            f * (a - _t(a)) * row
            + column * (f * (b - _t(b)))
            + np.eye(s.shape[-1], dtype=x.dtype) * gs_[..., None, :]
        )
        dx = u @ inner @ vh
        if x.shape[-2] > s.shape[-1]:
            dx = dx + ((gu - u @ a) / row) @ vh
        if x.shape[-1] > s.shape[-1]:
            dx = dx + u @ _t((gv - v @ b) / row)
        return (dx,)

    return (u, s, vh), backward


@primitive(2)
def solve(a, b):
    x = np.linalg.solve(a, b)

    def backward(g, needs):
        db = np.linalg.solve(_t(a), g)
        return -db @ _t(x), db

    return x, backward


@primitive(2)
def solve_triangular(a, b, lower=False):
    triangle = np.tril if lower else np.triu
    a = triangle(a)
    x = np.linalg.solve(a, b)

    def backward(g, needs):
        db = np.linalg.solve(_t(a), g)
        return triangle(-db @ _t(x)), db

    return x, backward


@primitive
def det(x):
    def backward(g):
        # The cofactors by the singular values, so that a singular matrix has its (finite) gradient.
        u, s, vh = np.linalg.svd(x)
        others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(s.shape[-1])], -1)
        sign = np.linalg.det(u) * np.linalg.det(vh)
        return (g * sign)[..., None, None] * (u * others[..., None, :]) @ vh

    return np.linalg.det(x), (backward,)


@primitive
def inv(x):
    y = np.linalg.inv(x)
    return y, (lambda g: -_t(y) @ g @ _t(y),)

"""Matrix products and linear algebra."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl_mxnet.elementwise import FLOAT
from unidl_mxnet.op import op
from unidl_mxnet.registry import ndarray


class Linalg(contract.Math):
    def matmul(self, x1, x2):
        rank1, rank2 = len(x1.shape), len(x2.shape)
        if not rank1 or not rank2:
            raise ValueError(
                f"matmul takes tensors of rank 1 or more, got shapes {x1.shape} and {x2.shape}."
            )
        a = self.expand_dims(x1, 0) if rank1 == 1 else x1
        b = self.expand_dims(x2, -1) if rank2 == 1 else x2
        if a.shape[-1] != b.shape[-2]:
            raise ValueError(f"matmul: the inner sizes of shapes {x1.shape} and {x2.shape} differ.")
        y = self._matmul(a, b)
        gone = tuple(axis for axis, vector in ((-2, rank1 == 1), (-1, rank2 == 1)) if vector)
        return self.squeeze(y, gone) if gone else y

    def _matmul(self, a, b):
        """For ranks >= 2."""
        if self.dtype(a) not in FLOAT:
            return self._integer_matmul(a, b)
        if self.dtype(a) == "float16":  # no kernel
            return self.cast(
                self._matmul(self.cast(a, "float32"), self.cast(b, "float32")), "float16"
            )
        if len(b.shape) == 2 and 0 not in (*a.shape, *b.shape):
            # One plain product of two matrices, however many axes `a` has.
            return self.reshape(
                self._plain_product(self.reshape(a, (-1, a.shape[-1])), b),
                (*a.shape[:-1], b.shape[-1]),
            )
        # The gradient of MXNet's broadcasting of batch axes is wrong; that of broadcast_to is
        # right.
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (
            self.broadcast_to(a, (*batch, *a.shape[-2:])),
            self.broadcast_to(b, (*batch, *b.shape[-2:])),
        )
        if 0 in (*a.shape, *b.shape):
            return op("_npi_matmul", a, b)
        # `batch_dot` takes a fifth of the time on the way back.
        y = op(
            "batch_dot", self.reshape(a, (-1, *a.shape[-2:])), self.reshape(b, (-1, *b.shape[-2:]))
        )
        return self.reshape(y, (*batch, a.shape[-2], b.shape[-1]))

    def _plain_product(self, a, b):
        """(m, k) @ (k, n). In float32 oneDNN is behind FullyConnected, not behind `dot`, and four
        times as fast, which pays for the transpose that it needs: 0.75 ms instead of 2.96 ms for
        (256, 512) @ (512, 512) on one thread.
        """
        if self._is_product_of_onednn(a.shape[0], b):
            return op(
                "FullyConnected",
                a,
                self.transpose(b, (1, 0)),
                num_hidden=b.shape[1],
                no_bias=True,
                flatten=False,
            )
        base, axes = getattr(b, "origin", None) or (b, None)
        return op("dot", a, base, transpose_b=True) if axes == (1, 0) else op("dot", a, b)

    def _is_product_of_onednn(self, rows, b):
        """Whether FullyConnected is the faster kernel for (rows, k) @ `b` (k, n)."""
        return self.dtype(b) == "float32" and rows >= 8 and math.prod(b.shape) >= 4096

    def _integer_matmul(self, a, b):
        """A sum of products: MXNet's kernels of products are for floats alone."""
        dtype = self.dtype(a)
        if dtype == "bool":
            return self.cast(
                self._integer_matmul(self.cast(a, "int32"), self.cast(b, "int32")), "bool"
            )
        return self.sum(self.multiply(self.expand_dims(a, -1), self.expand_dims(b, -3)), -2)

    def _checked(self, results):
        """Eager LAPACK failures (a singular matrix) surface at the call instead of at a later
        read."""
        for x in results if isinstance(results, (list, tuple)) else [results]:
            if isinstance(x, ndarray):
                x.wait_to_read()
        return results

    def cholesky(self, x):
        return self._checked(op("_npi_cholesky", x))

    def qr(self, x):
        """By the LQ factors of the transpose, which are defined for at least as many rows as
        columns."""
        m, n = x.shape[-2:]
        if m >= n:
            q, lower = op("_linalg_gelqf", self._swapped(x))
            return self._checked((self._swapped(q), self._swapped(lower)))
        left, right = (
            self.getitem(x, (Ellipsis, slice(0, m))),
            self.getitem(x, (Ellipsis, slice(m, None))),
        )
        q, r = self.qr(left)
        return q, self.concatenate([r, self.matmul(self._swapped(q), right)], -1)

    def _swapped(self, x):
        rank = len(x.shape)
        return self.transpose(x, (*range(rank - 2), rank - 1, rank - 2))

    def svd(self, x):
        """MXNet's kernel takes at most as many rows as columns."""
        m, n = x.shape[-2:]
        if m <= n:
            return tuple(self._checked(op("_npi_svd", x)))
        u, s, vh = self.svd(self._swapped(x))
        return self._swapped(vh), s, self._swapped(u)

    def eigh(self, x):
        rows, values = self._checked(op("_linalg_syevd", x))
        return values, self._swapped(rows)

    def solve(self, a, b):
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (
            self.broadcast_to(a, (*batch, *a.shape[-2:])),
            self.broadcast_to(b, (*batch, *b.shape[-2:])),
        )
        return self._checked(op("_npi_solve", a, b))

    def solve_triangular(self, a, b, lower=False):
        return self._checked(op("_linalg_trsm", a, b, lower=lower))

    def det(self, x):
        return self._checked(op("_npi_det", x))

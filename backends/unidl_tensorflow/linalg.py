"""Products and linear algebra."""

from __future__ import annotations

import math

from unidl.backend import contract
from unidl_tensorflow.load import tf


def _multiplied(x):
    """The small integers have no product of their own."""
    return x if x.dtype.is_floating or x.dtype in (tf.int32, tf.int64) else tf.cast(x, tf.int64)


class Linalg(contract.Math):
    def matmul(self, x1, x2):
        dtype = x1.dtype
        x1, x2 = _multiplied(x1), _multiplied(x2)
        rank1, rank2 = len(x1.shape), len(x2.shape)
        if rank2 == 1:
            product = tf.linalg.matvec(x1, x2) if rank1 > 1 else tf.reduce_sum(x1 * x2)
        elif rank1 == 1:
            product = tf.squeeze(tf.matmul(x1[None], x2), -2)
        elif rank2 == 2 and rank1 > 2 and x1.shape.is_fully_defined():
            # One large product instead of a batch of small ones, whose gradient would sum over the
            # batch.
            *rows, inner = x1.shape
            product = tf.reshape(
                tf.matmul(tf.reshape(x1, (math.prod(rows), inner)), x2), (*rows, x2.shape[1])
            )
        else:
            product = tf.matmul(x1, x2)
        return product if product.dtype == dtype else tf.cast(product, dtype)

    def einsum(self, subscripts, *operands):
        dtype = operands[0].dtype
        result = tf.einsum(subscripts, *(_multiplied(x) for x in operands))
        return result if result.dtype == dtype else tf.cast(result, dtype)

    def cholesky(self, x):
        return tf.linalg.cholesky(x)

    def qr(self, x):
        return tuple(tf.linalg.qr(x, full_matrices=False))

    def svd(self, x):
        s, u, v = tf.linalg.svd(x, full_matrices=False)
        return u, s, tf.linalg.matrix_transpose(v)

    def eigh(self, x):
        return tuple(tf.linalg.eigh(x))

    def solve(self, a, b):
        return tf.linalg.solve(a, b)

    def solve_triangular(self, a, b, lower=False):
        return tf.linalg.triangular_solve(a, b, lower=lower)

    def det(self, x):
        return tf.linalg.det(x)

    def inv(self, x):
        return tf.linalg.inv(x)

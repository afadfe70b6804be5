"""Factorizations that few frameworks have, on the last two axes, batched."""

from __future__ import annotations

from abc import ABC

import numpy as np


class Factorizations(ABC):
    def lu_factor(self, x):
        """(lu (..., m, n), pivots (..., k) int32, k = min(m, n)) as LAPACK's getrf gives them,
        counted from 0.

        Row i was exchanged with row pivots[i], for i = 0, 1 ...; then x = L U with L below the
        diagonal of lu (and ones on it) and U on and above it. Gaussian elimination with the largest
        element of each column as its pivot.
        """
        m, n = self.shape(x)[-2:]
        column_numbers, row_numbers = np.arange(n), np.arange(m)
        pivots = []
        for i in range(min(m, n)):
            column = self.getitem(x, (Ellipsis, slice(i, None), i))
            pivot = self.add(self.argmax(self.abs(self.stop_gradient(column)), -1), i)
            pivots.append(pivot)
            x = self._rows_exchanged(x, i, self.expand_dims(pivot, -1), row_numbers)
            below = self.asarray((row_numbers > i)[:, None])
            right = self.asarray(column_numbers > i)
            row, column = (
                self.getitem(x, (Ellipsis, slice(i, i + 1), slice(None))),
                self.getitem(x, (Ellipsis, slice(i, i + 1))),
            )
            corner = self.getitem(x, (Ellipsis, slice(i, i + 1), slice(i, i + 1)))
            factors = self.where(below, self.divide(column, corner), self.full_like(column, 0))
            eliminated = self.subtract(
                x, self.multiply(factors, self.where(right, row, self.full_like(row, 0)))
            )
            here = self.asarray((row_numbers > i)[:, None] & (column_numbers == i))
            x = self.where(here, self.add(factors, self.full_like(x, 0)), eliminated)
        return x, self.stack(pivots, -1)

    def _rows_exchanged(self, x, i, pivot, row_numbers):
        """Row `i` and row `pivot` (..., 1) of `x` exchanged."""
        rows = self.asarray(row_numbers.astype("int32"))
        order = self.where(
            self.equal(rows, i),
            pivot,
            self.where(self.equal(rows, pivot), self.full_like(rows, i), rows),
        )
        return self.take_along_axis(x, self.expand_dims(order, -1), -2)

    def eig(self, x):
        """(eigenvalues (..., n), eigenvectors (..., n, n) of length 1 in columns) of matrices whose
        eigenvalues are real.

        By LAPACK on the host, which no traced function can go through. A complex eigenvalue is an
        error, since there are no complex dtypes. Gradient: Giles, "Collected matrix derivative
        results" (2008), with the length of the vectors kept.
        """

        def function(x):
            values, vectors = np.linalg.eig(self.to_numpy(x))
            if np.any(np.imag(values)):
                raise ValueError(
                    "eig: an eigenvalue of this matrix is complex, but tensors are real. Use eigh "
                    "for symmetric matrices, or np.linalg.eig(ops.convert_to_numpy(x)) on the host."
                )
            # From NumPy 2.5 on they are complex numbers in any case.
            values, vectors = (
                self.asarray(np.ascontiguousarray(np.real(part))) for part in (values, vectors)
            )

            def gradient(values_up, vectors_up):
                n = self.shape(x)[-1]
                same = self.asarray(np.eye(n, dtype=bool))
                gap = self.subtract(self.expand_dims(values, -2), self.expand_dims(values, -1))
                gaps = self.where(
                    same,
                    self.full_like(gap, 0),
                    self.divide(1.0, self.where(same, self.full_like(gap, 1), gap)),
                )
                turned = self._swapped_axes(vectors)
                along = self.multiply(
                    vectors, self.sum(self.multiply(vectors, vectors_up), -2, keepdims=True)
                )
                inner = self.multiply(gaps, self.matmul(turned, self.subtract(vectors_up, along)))
                inner = self.where(
                    same, self.add(self.expand_dims(values_up, -2), self.full_like(inner, 0)), inner
                )
                return [self.solve(turned, self.matmul(inner, turned))]

            return [values, vectors], gradient

        return tuple(self.custom_gradient(function, [x]))

    def _swapped_axes(self, x):
        rank = len(self.shape(x))
        return self.transpose(x, (*range(rank - 2), rank - 1, rank - 2))

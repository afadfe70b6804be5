"""Discrete Fourier transforms along the last axis. Complex tensors are pairs: real and imaginary
part."""

from __future__ import annotations

from abc import ABC

import numpy as np


class Fourier(ABC):
    """The bodies are products with the matrix of the transform, n**2 steps; frameworks have fast
    transforms."""

    def fft(self, real, imag, inverse=False):
        """sum over j of x[j] exp(-2 pi i j k / n) for all k; the inverse has the other sign and
        divides by n."""
        n = self.shape(real)[-1]
        cos, sin = self._waves(n, n, self.dtype(real))
        if not inverse:
            sin = self.negative(sin)
        y = (
            self.subtract(self.matmul(real, cos), self.matmul(imag, sin)),
            self.add(self.matmul(real, sin), self.matmul(imag, cos)),
        )
        return tuple(self.divide(part, n) for part in y) if inverse else y

    def rfft(self, x):
        """The pair of the first n // 2 + 1 coefficients of real `x` (..., n), of which the others
        are the conjugates."""
        n = self.shape(x)[-1]
        cos, sin = self._waves(n, n // 2 + 1, self.dtype(x))
        return self.matmul(x, cos), self.negative(self.matmul(x, sin))

    def irfft(self, real, imag, n):
        """The real (..., n) of which `rfft` gives the pair (..., n // 2 + 1)."""
        bins = n // 2 + 1
        cos, sin = self._waves(bins, n, self.dtype(real), period=n)
        # All but the first coefficient, and the middle one of an even n, stand for two.
        weights = np.full(bins, 2.0)
        weights[0] = 1.0
        if n % 2 == 0:
            weights[-1] = 1.0
        weights = self.asarray(weights / n, self.dtype(real))
        return self.subtract(
            self.matmul(self.multiply(real, weights), cos),
            self.matmul(self.multiply(imag, weights), sin),
        )

    def _waves(self, rows, columns, dtype, period=None):
        """cos and sin of 2 pi j k / period; j k is reduced exactly first, and what is 0 is exactly
        0."""
        period = max(rows if period is None else period, 1)
        turn = np.outer(np.arange(rows), np.arange(columns)) % period
        angle = turn * (2 * np.pi / period)
        half, quarter = 2 * turn % period == 0, 4 * turn % period == 0
        cos, sin = np.where(quarter & ~half, 0.0, np.cos(angle)), np.where(half, 0.0, np.sin(angle))
        return self.asarray(cos, dtype), self.asarray(sin, dtype)

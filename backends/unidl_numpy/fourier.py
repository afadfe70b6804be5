"""Fourier transforms of pairs (real, imaginary part) along the last axis, by numpy.fft, which
computes in float64.

The gradient of a transform is the transform with the conjugate matrix.
"""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl_numpy.tape import primitive


def _pair(y, dtype):
    return np.ascontiguousarray(y.real, dtype), np.ascontiguousarray(y.imag, dtype)


def _complex(gs, like):
    """The gradients of a pair as one complex array, zeros for what nothing depends on."""
    real, imag = (np.zeros_like(like) if g is None else g for g in gs)
    return real + 1j * imag


@primitive(2)
def fft(real, imag, inverse=False):
    y = _pair((np.fft.ifft if inverse else np.fft.fft)(real + 1j * imag), real.dtype)
    n = real.shape[-1]

    def backward(gs, needs):
        g = _complex(gs, y[0])
        return _pair(np.fft.fft(g) / n if inverse else np.fft.ifft(g) * n, real.dtype)

    return y, backward


@primitive
def rfft(x):
    n = x.shape[-1]
    y = _pair(np.fft.rfft(x), x.dtype)

    def backward(gs, needs):
        # The coefficients that were left out have no gradient.
        return (np.ascontiguousarray(np.fft.ifft(_complex(gs, y[0]), n).real * n, x.dtype),)

    return y, backward


@primitive(2)
def irfft(real, imag, n):
    y = np.fft.irfft(real + 1j * imag, n).astype(real.dtype)

    def backward(g, needs):
        weights = np.full(real.shape[-1], 2.0 / n)
        weights[0] = 1.0 / n
        if n % 2 == 0:
            weights[-1] = 1.0 / n
        return _pair(np.fft.rfft(g) * weights, real.dtype)

    return y, backward


class Fourier(contract.Fourier):
    fft = staticmethod(fft)
    rfft = staticmethod(rfft)
    irfft = staticmethod(irfft)

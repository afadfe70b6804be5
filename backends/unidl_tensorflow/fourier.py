"""Fourier transforms by tf.signal, of pairs (real, imaginary part)."""

from __future__ import annotations

from unidl.backend import contract
from unidl_tensorflow.load import tf


class Fourier(contract.Fourier):
    def fft(self, real, imag, inverse=False):
        return _pair((tf.signal.ifft if inverse else tf.signal.fft)(tf.complex(real, imag)))

    def rfft(self, x):
        return _pair(tf.signal.rfft(x))

    def irfft(self, real, imag, n):
        return tf.signal.irfft(tf.complex(real, imag), [n])


def _pair(x):
    return tf.math.real(x), tf.math.imag(x)

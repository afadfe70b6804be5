"""Fourier transforms by jnp.fft, of pairs (real, imaginary part)."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from unidl.backend import contract


class Fourier(contract.Fourier):
    def fft(self, real, imag, inverse=False):
        return _pair((jnp.fft.ifft if inverse else jnp.fft.fft)(jax.lax.complex(real, imag)))

    def rfft(self, x):
        return _pair(jnp.fft.rfft(x))

    def irfft(self, real, imag, n):
        return jnp.fft.irfft(jax.lax.complex(real, imag), n)


def _pair(x):
    return jnp.real(x), jnp.imag(x)

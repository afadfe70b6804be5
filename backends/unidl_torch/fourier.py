"""Fourier transforms by torch.fft, of pairs (real, imaginary part)."""

from __future__ import annotations

import torch

from unidl.backend import contract


class Fourier(contract.Fourier):
    def fft(self, real, imag, inverse=False):
        return _pair((torch.fft.ifft if inverse else torch.fft.fft)(torch.complex(real, imag)))

    def rfft(self, x):
        return _pair(torch.fft.rfft(x))

    def irfft(self, real, imag, n):
        return torch.fft.irfft(torch.complex(real, imag), n)


def _pair(x):
    return x.real, x.imag

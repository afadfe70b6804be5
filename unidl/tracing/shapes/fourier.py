"""Shape rules of `contract/fourier.py`."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import check_rank, shapes_agree
from unidl.tracing.shapes.operands import common_dtype


class Fourier:
    def fft(self, real, imag, inverse=False):
        return KerasTensor(_pair("fft", real, imag), real.dtype), KerasTensor(
            real.shape, real.dtype
        )

    def rfft(self, x):
        check_rank("rfft", "x", x.shape, 1)
        bins = None if x.shape[-1] is None else x.shape[-1] // 2 + 1
        return KerasTensor((*x.shape[:-1], bins), x.dtype), KerasTensor(
            (*x.shape[:-1], bins), x.dtype
        )

    def irfft(self, real, imag, n):
        return KerasTensor((*_pair("irfft", real, imag)[:-1], n), real.dtype)


def _pair(name, real, imag):
    check_rank(name, "x", real.shape, 1)
    common_dtype(name, real, imag)
    if not shapes_agree(real.shape, imag.shape):
        raise ValueError(
            f"{name}: real and imaginary part must have the same shape, got {real.shape} and "
            f"{imag.shape}."
        )
    return real.shape

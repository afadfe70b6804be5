"""Kernels that torch has where most frameworks have none, Fourier transforms, branches and gradients of one's own."""

from __future__ import annotations

import torch
from torch.autograd import forward_ad

from unidl_torch.types import torch_dtype


class Special:
    gcd = staticmethod(torch.gcd)

    def nextafter(self, x1, x2):
        return torch.nextafter(*torch.broadcast_tensors(x1.detach(), x2.detach()))

    i0 = staticmethod(torch.special.i0)

    def bitcast(self, x, dtype):
        return x.detach().contiguous().view(torch_dtype(dtype))

    def lu_factor(self, x):
        lu, pivots = torch.linalg.lu_factor(x)
        return lu, pivots - 1

    # -- segments ----------------------------------------------------------------------------------

    def segment_max(self, x, ids, count):
        return _segments(
            x, ids, count, "amax", lambda: super(Special, self).segment_max(x, ids, count)
        )

    def segment_min(self, x, ids, count):
        return _segments(
            x, ids, count, "amin", lambda: super(Special, self).segment_min(x, ids, count)
        )

    # -- Fourier transforms ------------------------------------------------------------------------

    def fft(self, real, imag, inverse=False):
        return _pair((torch.fft.ifft if inverse else torch.fft.fft)(torch.complex(real, imag)))

    def rfft(self, x):
        return _pair(torch.fft.rfft(x))

    def irfft(self, real, imag, n):
        return torch.fft.irfft(torch.complex(real, imag), n)

    # -- gradients ---------------------------------------------------------------------------------

    def custom_gradient(self, function, tensors):
        return list(_Custom.apply(function, *tensors))

    def jvp(self, function, primals, tangents):
        with forward_ad.dual_level():
            outputs = function(
                *(
                    forward_ad.make_dual(p.detach(), t)
                    for p, t in zip(primals, tangents, strict=True)
                )
            )
            parts = [forward_ad.unpack_dual(y) for y in outputs]
            return [y for y, _ in parts], [
                torch.zeros_like(y) if d is None else d for y, d in parts
            ]


def _segments(x, ids, count, kernel, otherwise):
    """Torch's scatter, which knows no segment without rows for integers."""
    if not x.is_floating_point():
        return otherwise()
    outside = (ids < 0) | (ids >= count)
    places = (
        torch.where(outside, count, ids).long().reshape(-1, *(1,) * (x.ndim - 1)).expand(x.shape)
    )
    empty = x.new_full(
        (count + 1, *x.shape[1:]), float("-inf") if kernel == "amax" else float("inf")
    )
    return empty.scatter_reduce(0, places, x, kernel, include_self=False)[:count]


def _pair(x):
    return x.real, x.imag


class _Custom(torch.autograd.Function):
    @staticmethod
    def forward(ctx, function, *tensors):
        outputs, ctx.gradient = function(*tensors)
        # Tensors of its own: torch writes into what is returned here that a gradient flows to it.
        outputs = [y.detach() for y in outputs]
        ctx.mark_non_differentiable(*(y for y in outputs if not y.is_floating_point()))
        return tuple(outputs)

    @staticmethod
    def backward(ctx, *upstream):
        return None, *ctx.gradient(*upstream)

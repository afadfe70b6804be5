"""Gradients of one's own, and derivatives along a direction."""

from __future__ import annotations

import torch
from torch.autograd import forward_ad

from unidl.backend import contract


class Control(contract.Control):
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

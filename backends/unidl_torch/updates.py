"""Optimizer arithmetic on torch's fused and list kernels, in place on parameters and slots.

A learning rate that is a tensor means that a step is being recorded for torch.compile: there the
default bodies, which change nothing in place, become one fused loop by themselves.
"""

from __future__ import annotations

import math
from functools import cache

import torch

from unidl.backend import contract


def _laid_out_like(grads, params):
    """Gradients or slots with the strides of their parameters: the fused kernels walk all with one
    pointer."""
    return [
        g if g.stride() == p.stride() else torch.empty_like(p).copy_(g)
        for g, p in zip(grads, params, strict=True)
    ]


@cache
def _infinity(device):
    return torch.full((), math.inf, device=device)


class Updates(contract.Updates):
    def sgd_update(self, params, grads, velocities, *, learning_rate, momentum, nesterov):
        if not params or isinstance(learning_rate, torch.Tensor):
            return super().sgd_update(
                params,
                grads,
                velocities,
                learning_rate=learning_rate,
                momentum=momentum,
                nesterov=nesterov,
            )
        steps = torch._foreach_mul(grads, learning_rate)
        if velocities is None:
            torch._foreach_sub_(params, steps)
            return params, None
        torch._foreach_mul_(velocities, momentum)
        torch._foreach_sub_(velocities, steps)
        if nesterov:
            torch._foreach_add_(params, velocities, alpha=momentum)
            torch._foreach_sub_(params, steps)
        else:
            torch._foreach_add_(params, velocities)
        return params, velocities

    def adam_update(self, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
        if not params or isinstance(alpha, torch.Tensor):
            return super().adam_update(
                params, grads, m, v, alpha=alpha, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon
            )
        # torch's kernel corrects the bias by 1 - beta**t; after infinitely many steps that is 1,
        # and what is left is p -= lr * m / (sqrt(v) + eps), the update wanted, with alpha for lr.
        endless = [_infinity(params[0].device)] * len(params)
        m, v = _laid_out_like(m, params), _laid_out_like(v, params)
        torch._fused_adam_(
            params, _laid_out_like(grads, params), m, v, [], endless, lr=alpha, beta1=beta_1,
            beta2=beta_2, weight_decay=0.0, eps=epsilon, amsgrad=False, maximize=False,
        )  # fmt: skip
        return params, m, v

    def rmsprop_update(self, params, grads, v, *, learning_rate, rho, epsilon):
        if not params or isinstance(learning_rate, torch.Tensor):
            return super().rmsprop_update(
                params, grads, v, learning_rate=learning_rate, rho=rho, epsilon=epsilon
            )
        torch._foreach_mul_(v, rho)
        torch._foreach_addcmul_(v, grads, grads, value=1 - rho)
        denominators = torch._foreach_add(v, epsilon)
        torch._foreach_sqrt_(denominators)
        steps = torch._foreach_mul(grads, learning_rate)
        torch._foreach_div_(steps, denominators)
        torch._foreach_sub_(params, steps)
        return params, v

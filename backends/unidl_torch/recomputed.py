"""Recomputation, by hooks on what autograd saves.

In the first run a number is saved in the place of each tensor. The first number that autograd asks
for lets the function run again, and what it saves then, in the same order, is what was asked for.
Gradients reach tensors that the function takes from around it, and gradients of gradients are
those of the first run's graph. `torch.utils.checkpoint` does the same; it imports torch's compiler,
a second's work, and saves torch's random state, which nothing here uses.
"""

from __future__ import annotations

import torch
from torch.autograd.graph import saved_tensors_hooks


def recomputed(function, tensors):
    """See `contract.Autodiff.remat`."""
    if not torch.is_grad_enabled():
        return function(*tensors)[0]
    run = _Run(function, tensors)
    with saved_tensors_hooks(run.number, run.tensor):
        return function(*tensors)[0]


class _Run:
    """The tensors that autograd saves in one run of `function(*tensors)`."""

    def __init__(self, function, tensors):
        self._function = function
        self._inputs = _Inputs.kept(tensors)
        self._count, self._saved = 0, {}

    def number(self, tensor):
        self._count += 1
        return self._count - 1

    def tensor(self, number):
        if number not in self._saved:  # the first time, and where the graph is gone through again
            self._run_again()
        return self._saved.pop(number)

    def _run_again(self):
        saved = []

        def save(tensor):
            saved.append(tensor.detach())
            return tensor.detach()

        given = [t.detach().requires_grad_(t.requires_grad) for t in self._inputs()]
        with torch.enable_grad(), saved_tensors_hooks(save, lambda tensor: tensor):
            self._function(*given)
        if len(saved) != self._count:
            raise RuntimeError(
                f"remat: the function kept {self._count} tensors for its gradient at first, and "
                f"{len(saved)} when it ran again. What it does may not depend on anything that "
                "changes between two runs."
            )
        self._saved = dict(enumerate(saved))


class _Inputs(torch.autograd.Function):
    """Keeps tensors as autograd does: a function around, computed again as well, keeps none."""

    @classmethod
    def kept(cls, tensors):
        """f() -> `tensors`."""
        token = cls.apply(torch.empty(0, requires_grad=True), *tensors)

        def inputs():
            return list(token.grad_fn.saved_tensors)

        return inputs

    @staticmethod
    def forward(ctx, token, *tensors):
        ctx.save_for_backward(*tensors)
        return torch.empty(0)

    @staticmethod
    def backward(ctx, upstream):
        return (None,) * (1 + len(ctx.saved_tensors))

"""Execution: eager steps as they are; with `jit_compile=True` one graph for torch.compile."""

from __future__ import annotations

import torch

from unidl.backend import contract
from unidl_torch.autodiff import differentiate


class Execution(contract.Execution):
    def compile(self, fn, variables, jit_compile=False):
        # Eagerly `fn` itself: stores need no gradient, so nothing is recorded that no_grad or inference_mode would spare,
        # and the outputs stay tensors with which the user may do anything.
        return _compiled(fn, variables) if jit_compile else fn

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        def step(*tensors):
            value, gradients = differentiate(forward, tensors, trainable, True)
            update(gradients)
            return value

        return _compiled(step, variables) if jit_compile else step

    def synchronize(self):
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()


def _compiled(fn, variables):
    from unidl_torch.compiled import Compiled  # the tracer imports half of torch's compiler: only who asks for it waits

    return Compiled(fn, variables)

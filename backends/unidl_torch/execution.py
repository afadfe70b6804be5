"""Execution: captured steps; with `jit_compile=True` one graph for torch.compile."""

from __future__ import annotations

import torch

from unidl.tracing.capture import CapturedExecution
from unidl_torch.autodiff import differentiate


class Execution(CapturedExecution):
    def compile(self, fn, variables, jit_compile=False):
        # Stores need no gradient, so nothing is recorded that no_grad or inference_mode would spare, and the outputs stay
        # tensors with which the user may do anything.
        return _compiled(fn, variables) if jit_compile else super().compile(fn, variables)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        if not jit_compile:
            return super().compile_step(forward, update, trainable, variables)

        def step(*tensors):
            value, gradients = differentiate(forward, tensors, trainable, True)
            update(gradients)
            return value

        return _compiled(step, variables)

    def synchronize(self):
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()


def _compiled(fn, variables):
    from unidl_torch.compiled import (
        Compiled,
    )  # the tracer imports half of torch's compiler: only who asks for it waits

    return Compiled(fn, variables)

"""Execution: captured steps; with `jit_compile=True` one graph for torch.compile."""

from __future__ import annotations

import os
from contextlib import contextmanager

import torch

from unidl.tracing.capture import CapturedExecution, Symbol
from unidl.tracing.pure import PerSignature
from unidl_torch.autodiff import (
    detached,
    differentiate,
    differentiating,
    gradients_of,
    leaves_of,
)
from unidl_torch.recorded import Repeated


class _Symbol(Symbol):
    """A symbol that functions of torch recognise."""

    __slots__ = ()

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        cls._no_value(function)


class Execution(CapturedExecution):
    symbol_type = _Symbol

    def signature(self, tensors):
        return tuple([(t.shape, t.dtype, t.device) for t in tensors])

    def gradients(self, function, values):
        with differentiating() as again:
            leaves = leaves_of(values)
            outputs = function(leaves)
            gradients = gradients_of(outputs[0], leaves, again)
        return (outputs if again else detached(outputs)), gradients

    def differentiated(self, program, leaves):
        used = program.__globals__.items()
        constants = [x for _, x in used if isinstance(x, torch.Tensor)]
        # Among the constants, a function is a branch or a loop; the backend's own have its names.
        decides = any(name[0] == "c" and name[1:].isdigit() and callable(x) for name, x in used)
        # What waits for other processes is no kernel, and does so outside of what is written down.
        decides = decides or not {"all_reduce", "whole"}.isdisjoint(program.__globals__)
        return Repeated(super().differentiated(program, leaves), constants, decides)

    def compile(self, fn, variables, jit_compile=False):
        # Stores need no gradient, so nothing is recorded that no_grad or inference_mode would
        # spare, and the outputs stay tensors with which the user may do anything.
        if jit_compile:
            return PerSignature(self, fn, lambda tensors, _: _compiled(fn, variables, tensors))
        return super().compile(fn, variables)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        if not jit_compile:
            return super().compile_step(forward, update, trainable, variables)

        def step(*tensors):
            value, gradients = differentiate(forward, tensors, trainable, True)
            update(gradients)
            return value

        return self.compile(step, variables, jit_compile=True)

    def synchronize(self):
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    profiles = True

    @contextmanager
    def profile(self, folder):
        watched = [torch.profiler.ProfilerActivity.CPU]
        if torch.cuda.is_available():
            watched.append(torch.profiler.ProfilerActivity.CUDA)
        profiler = torch.profiler.profile(activities=watched)
        try:
            with profiler:
                yield
        finally:
            # Under this ending TensorBoard's plugin for torch looks for it, and Perfetto reads it.
            profiler.export_chrome_trace(os.path.join(folder, "host.pt.trace.json"))


def _compiled(fn, variables, tensors):
    # The tracer imports half of torch's compiler: only who asks for it waits.
    from unidl_torch.compiled import Compiled

    return Compiled(fn, variables, tensors)

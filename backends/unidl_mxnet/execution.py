"""Compiled functions and training steps: one program for each combination of input shapes and dtypes."""

from __future__ import annotations

from unidl_mxnet.load import mx
from unidl_mxnet.program import Program, StepProgram
from unidl_mxnet.registry import numpy_shape


class Execution:
    def compile(self, fn, variables, jit_compile=False):
        programs = {}

        def run(*tensors):
            tensors = [self.asarray(t) for t in tensors]
            recording = mx.autograd.is_recording()
            key = (recording, *_signature(tensors))
            with numpy_shape():
                program = programs.get(key)
                if program is None:
                    program = programs[key] = Program(self, fn, variables, tensors, differentiable=recording)
                return program.run(tensors)

        return run

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        programs = {}

        def step(*tensors):
            tensors = [self.asarray(t) for t in tensors]
            key = _signature(tensors)
            with numpy_shape():
                program = programs.get(key)
                if program is None:
                    program = programs[key] = StepProgram(self, forward, update, trainable, variables, tensors)
                return program.run(tensors)

        return step


def _signature(tensors):
    return tuple((t.shape, t.dtype) for t in tensors)

"""Compiled functions and training steps: one program for each combination of input shapes and dtypes."""

from __future__ import annotations

import math

import numpy as np

from unidl_mxnet.load import mx
from unidl_mxnet.program import Program, StepProgram
from unidl_mxnet.registry import numpy_shape

# MXNet's engine queues calls without end, and what is queued keeps its inputs: a host that reads data faster than the steps
# run would fill memory with batches. So after so much the host waits, which costs a drained queue.
QUEUED_BYTES = 16 << 20


class _Programs:
    """The programs of one function, and what they have queued."""

    def __init__(self, make):
        self._make = make
        self._made = {}
        self._queued = 0

    def run(self, tensors, recording=False):
        key = (recording, *((t.shape, t.dtype) for t in tensors))
        with numpy_shape():
            found = self._made.get(key)
            if found is None:
                found = self._made[key] = self._make(tensors, recording), _bytes(tensors)
            program, size = found
            results = program.run(tensors)
        self._queued += size
        if self._queued > QUEUED_BYTES:
            mx.nd.waitall()
            self._queued = 0
        return results


def _bytes(tensors):
    return sum(math.prod(t.shape) * np.dtype(t.dtype).itemsize for t in tensors)


class Execution:
    def compile(self, fn, variables, jit_compile=False):
        programs = _Programs(lambda tensors, recording: Program(self, fn, variables, tensors, differentiable=recording))

        def run(*tensors):
            return programs.run([self.asarray(t) for t in tensors], mx.autograd.is_recording())

        return run

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        programs = _Programs(lambda tensors, _: StepProgram(self, forward, update, trainable, variables, tensors))

        def step(*tensors):
            return programs.run([self.asarray(t) for t in tensors])

        return step

"""Compiled functions and training steps: one program for each combination of input shapes and dtypes."""

from __future__ import annotations

import math

import numpy as np

from unidl_mxnet.arrays import rows
from unidl_mxnet.load import mx
from unidl_mxnet.program import Program, StepProgram
from unidl_mxnet.registry import numpy_shape

# MXNet's engine queues calls without end, and what is queued keeps its inputs: a host that reads data faster than the steps
# run would fill memory with batches. So after so much the host waits, which costs a drained queue.
QUEUED_BYTES = 4 << 20


class _Programs:
    """A compiled function: the programs that it needed so far, and what they have queued."""

    def __init__(self, backend, make):
        self._backend, self._make = backend, make
        self._made = {}
        self._queued = 0

    def __call__(self, *tensors):
        return self._run([[self._backend.asarray(t) for t in tensors]])

    def launch(self, *stacked):
        """One call for each row of `stacked`; the results of the last."""
        return self._run(list(zip(*map(rows, stacked), strict=True)))

    def _run(self, calls):
        first = calls[0]
        key = (mx.autograd.is_recording(), *((t.shape, t.dtype) for t in first))
        with numpy_shape():
            found = self._made.get(key)
            if found is None:
                found = self._made[key] = self._make(first, key[0]), _bytes(first)
            program, size = found
            for tensors in calls:
                last = program.run(tensors)
            results = program.results(last)
        self._queued += size * len(calls)
        if self._queued > QUEUED_BYTES:
            mx.nd.waitall()
            self._queued = 0
        return results


def _bytes(tensors):
    return sum(math.prod(t.shape) * np.dtype(t.dtype).itemsize for t in tensors)


class Execution:
    steps_per_launch = 64  # their batches travel at once

    def compile(self, fn, variables, jit_compile=False):
        return _Programs(
            self,
            lambda tensors, recording: Program(
                self, fn, variables, tensors, differentiable=recording
            ),
        )

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        return _Programs(
            self,
            lambda tensors, _: StepProgram(self, forward, update, trainable, variables, tensors),
        )

    def in_one_launch(self, step):
        return step.launch if isinstance(step, _Programs) else super().in_one_launch(step)

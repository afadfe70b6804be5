"""Compiled functions and training steps: one program for each combination of input shapes and
dtypes."""

from __future__ import annotations

import math
import os
import tempfile
import threading
from contextlib import contextmanager

import numpy as np

from unidl.backend import contract
from unidl.tracing.pure import PerSignature
from unidl_mxnet.load import mx
from unidl_mxnet.program import Program, StepProgram
from unidl_mxnet.registry import numpy_shape
from unidl_mxnet.trace import mend
from unidl_mxnet.traced import current_trace
from unidl_mxnet.transfer import rows

# MXNet's engine queues calls without end, and what is queued keeps its inputs: a host that reads
# data faster than the steps run would fill memory with batches. So after so much the host waits,
# which costs a drained queue.
QUEUED_BYTES = 4 << 20

# A CachedOp and an executor compute in arrays of their own, and MXNet lets threads mix them up.
engine_lock = threading.RLock()


class _Compiled(PerSignature):
    """A compiled function, and what its programs have queued."""

    _queued = 0

    def __call__(self, *tensors):
        if current_trace() is not None:
            return self._fn(*tensors)  # a part of what is traced
        return self._run([[self._backend.asarray(t) for t in tensors]])

    def launch(self, *stacked):
        """One call for each row of `stacked`; the results of the last."""
        return self._run(list(zip(*map(rows, stacked), strict=True)))

    def _run(self, calls):
        with engine_lock, numpy_shape():
            program = self.program(calls[0])
            for tensors in calls:
                last = program.run(tensors)
            results = program.results(last)
            self._queued += _bytes(calls[0]) * len(calls)
            if self._queued > QUEUED_BYTES:
                mx.nd.waitall()
                self._queued = 0
        return results


def _bytes(tensors):
    return sum(math.prod(t.shape) * np.dtype(t.dtype).itemsize for t in tensors)


class Execution(contract.Execution):
    steps_per_launch = 64  # their batches travel at once
    compiles_gradients = False  # a CachedOp has no gradient inside
    programs_kept = 32  # a bound graph keeps its arrays

    def signature(self, tensors):
        shapes = tuple([(t.shape, t.dtype) for t in tensors])
        return mx.autograd.is_recording(), shapes

    def compile(self, fn, variables, jit_compile=False):
        def make(tensors, signature):
            return Program(self, fn, variables, tensors, differentiable=signature[0])

        return _Compiled(self, fn, make)

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        def make(tensors, _):
            return StepProgram(self, forward, update, trainable, variables, tensors)

        eager = super().compile_step(forward, update, trainable, variables)
        return _Compiled(self, eager, make)

    def in_one_launch(self, step):
        return step.launch if isinstance(step, _Compiled) else super().in_one_launch(step)

    def synchronize(self):
        mx.nd.waitall()

    profiles = True

    @contextmanager
    def profile(self, folder):
        with tempfile.TemporaryDirectory() as place:
            written = os.path.join(place, "trace.json")
            # Without continuous_dump=False a thread would write each second, for ever.
            mx.profiler.set_config(
                filename=written,
                profile_symbolic=True,
                profile_imperative=True,
                continuous_dump=False,
                aggregate_stats=False,
            )
            mx.profiler.set_state("run")
            try:
                yield
            finally:
                mx.profiler.set_state("stop")
                mx.profiler.dump()
                mend(written, os.path.join(folder, "host.trace.json"))

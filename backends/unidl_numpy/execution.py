"""Execution: captured steps, their gradients by the tape."""

from __future__ import annotations

from unidl.tracing.capture import CapturedExecution
from unidl_numpy import autodiff


class Execution(CapturedExecution):
    gradients = staticmethod(autodiff.gradients)

    def signature(self, tensors):
        return tuple([(t.shape, t.dtype) for t in tensors])

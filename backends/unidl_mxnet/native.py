"""Devices, the storage of variables, and the flag that MXNet needs for 0-d tensors."""

from __future__ import annotations

from unidl.backend import contract
from unidl_mxnet.gradients import needs_gradient
from unidl_mxnet.laid import read
from unidl_mxnet.load import mx
from unidl_mxnet.op import op
from unidl_mxnet.registry import numpy_shape
from unidl_mxnet.traced import Traced


class Native(contract.Native):
    def devices(self):
        return ["cpu:0", *(f"gpu:{i}" for i in range(mx.context.num_gpus()))]

    def scope(self):
        return numpy_shape()

    def copy(self, x):
        return op("_np_copy", x)

    def read(self, store):
        return read(store)

    def detach(self, value):
        if not isinstance(value, Traced):
            return value.detach()
        return op("BlockGrad", value) if needs_gradient() else value

    def write(self, store, value):
        """A detached view, so that the tape of the step that made it can go."""
        return value.detach()

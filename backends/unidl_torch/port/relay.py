"""Models of unidl, traced by torch.export with open axes."""

from __future__ import annotations

import torch

from unidl.backend import contract, registry
from unidl.port.errors import Refused
from unidl.port.exports.relay import Relay, tensors_in
from unidl.tracing.sizes import OpenSize
from unidl_torch.port import control, open_windows
from unidl_torch.types import torch_dtype


class TorchRelay(Relay):
    runtime = "torch"

    def __init__(self, backend, adapter, traces):
        super().__init__(backend, adapter, traces)
        self._control = control.Control(self)

    def size(self, native, axis):
        return native.shape[axis]

    def shaped(self, native, shape):
        for given, size in zip(native.shape, shape, strict=True):
            if size is None and _is_fixed(given):
                raise Refused(
                    f"torch fixes the size of an open axis here, to the {int(given)} of the "
                    "example. Give the axis a size in Input(shape=...) or input_signature"
                )
        return native

    def sizes_tensor(self, sizes, dtype):
        return torch.stack([torch.scalar_tensor(s, dtype=torch_dtype(dtype)) for s in sizes])

    def composes(self, name, args):
        # torch writes the moments of its kernels out, of which there must be a fixed number.
        return name in ("lstm", "gru", "simple_rnn") and type(args[0].shape[1]) is OpenSize

    def native_of(self, value):
        self._control.uses(value)
        return self._control.inside.get(id(value), value.native)

    def noted(self, name, args, kwargs):
        for value in tensors_in((args, kwargs)):
            self._control.uses(value)
        super().noted(name, args, kwargs)

    def run_conv(self, spec, x, kernel, strides, padding, dilation, groups=1):
        return open_windows.conv(x, kernel, None, strides, padding, dilation, groups)

    def run_biased_conv(self, spec, x, kernel, bias, strides, padding, dilation, groups=1):
        return open_windows.conv(x, kernel, bias, strides, padding, dilation, groups)

    def run_max_pool(self, spec, x, window, strides, padding):
        return open_windows.max_pool(x, window, strides, padding)

    def run_avg_pool(self, spec, x, window, strides, padding):
        return open_windows.avg_pool(x, window, strides, padding)

    def run_resize(self, spec, x, size, interpolation, antialias=False):
        return open_windows.resize(x, size, interpolation, antialias)

    def run_take_along_axis(self, spec, x, indices, axis):
        """Not torch.take_along_dim, which compares open sizes with 1 and so fixes them."""
        axis = axis % x.ndim
        sizes = [
            b if isinstance(a, int) and a == 1 else a
            for a, b in zip(indices.shape, x.shape, strict=True)
        ]
        sizes[axis] = indices.shape[axis]
        of_x = [*sizes[:axis], x.shape[axis], *sizes[axis + 1 :]]
        return torch.gather(x.expand(of_x), axis, indices.long().expand(sizes))

    def run_scan(self, step, state, xs, reverse):
        if isinstance(xs[0].shape[0], int):
            return contract.Recurrent.scan(self.adapter, step, state, xs, reverse)
        return control.scan(self._control, step, state, xs, reverse)

    def run_cond(self, pred, true_fn, false_fn):
        return control.cond(self._control, pred, true_fn, false_fn)

    def run_while_loop(self, condition, body, state, limit):
        return control.while_loop(self._control, condition, body, state, limit)


def _is_fixed(size):
    return isinstance(size, int) or size.node.maybe_as_int() is not None


def adapter():
    return registry.get_backend("torch")

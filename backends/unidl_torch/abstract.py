"""Abstract calls: torch's fake tensors, which have a shape, a dtype and a device, and no memory.

They are meta tensors that may meet real ones, as the weights of a layer are. Their mode is not
entered, so that what a function makes anew (the weights of a layer that is built on the way) is
real.
"""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode

from unidl.backend import contract

_PLAIN = (torch.Tensor, torch.nn.Parameter)


class Abstract(contract.Abstract):
    def has_value(self, x):
        # make_fx records real tensors under a mode, fake tensors have a class of their own.
        return (
            type(x) in _PLAIN
            and not x.is_meta
            and _get_current_dispatch_mode() is None
            and not torch.compiler.is_compiling()
            # In a function of torch.func no tensor shows its values, wrapped or not.
            and not torch._C._are_functorch_transforms_active()
        )

    def abstract_call(self, fn, specs):
        from torch._subclasses.fake_tensor import FakeTensorMode  # takes a while, and few need it

        mode = FakeTensorMode(allow_non_fake_inputs=True)
        with mode:
            fakes = [self.full(shape, 0, dtype) for shape, dtype in specs]
        with torch.no_grad():
            return [(self.shape(y), self.dtype(y)) for y in map(self.asarray, fn(*fakes))]

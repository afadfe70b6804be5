"""Devices, and the storage of variables: the tensor itself, its memory in the order of its kernel.

No global switch of torch is touched. On a GPU two of them decide about the digits: cuDNN's
convolutions and RNNs use TF32 unless `torch.backends.cudnn.allow_tf32 = False`, matrix products
only if `torch.backends.cuda.matmul.allow_tf32 = True`. `full_precision` turns both off for its own
duration, as the conformance suite does.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch

from unidl.backend import contract
from unidl_torch.layout import laid_out, memory_order


class Native(contract.Native):
    @contextmanager
    def full_precision(self):
        switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
        before = [switch.allow_tf32 for switch in switches]
        for switch in switches:
            switch.allow_tf32 = False
        try:
            yield
        finally:
            for switch, value in zip(switches, before, strict=True):
                switch.allow_tf32 = value

    def devices(self):
        return ["cpu:0", *(f"gpu:{i}" for i in range(torch.cuda.device_count()))]

    def copy(self, x):
        return x.detach().clone(memory_format=torch.contiguous_format)

    def lay_out(self, store, function):
        order = memory_order(store.shape, function)
        return store if order is None else laid_out(store, order)

    def write(self, store, value):
        # The strides stay, since the optimizer kernels walk parameters and slots with one pointer,
        # in place.
        value = value.detach()
        return value if value.stride() == store.stride() else torch.empty_like(store).copy_(value)

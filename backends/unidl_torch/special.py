"""Kernels that torch has where most frameworks have none."""

from __future__ import annotations

import torch

from unidl.backend import contract
from unidl_torch.types import torch_dtype


class Special(contract.Special):
    gcd = staticmethod(torch.gcd)

    def nextafter(self, x1, x2):
        return torch.nextafter(*torch.broadcast_tensors(x1.detach(), x2.detach()))

    i0 = staticmethod(torch.special.i0)

    def bitcast(self, x, dtype):
        return x.detach().contiguous().view(torch_dtype(dtype))

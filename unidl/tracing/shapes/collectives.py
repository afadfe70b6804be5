"""Shape rules of `contract/collectives.py`."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor


class Collectives:
    def all_reduce(self, x):
        return KerasTensor(x.shape, x.dtype)

"""Shape rules of `contract/sharding.py`."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor


class Sharding:
    def own_part(self, x, split):
        return KerasTensor(split.part_shape, x.dtype)

    def whole(self, part, split):
        return KerasTensor(split.shape, part.dtype)

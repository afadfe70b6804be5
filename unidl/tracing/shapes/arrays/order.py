"""Shape rules: sorting."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import one_axis
from unidl.tracing.sizes import is_open


class Order:
    def sort(self, x, axis):
        one_axis("sort", axis, x.ndim, x.shape)
        return KerasTensor(x.shape, x.dtype)

    def argsort(self, x, axis):
        one_axis("argsort", axis, x.ndim, x.shape)
        return KerasTensor(x.shape, "int32")

    def top_k(self, x, k):
        one_axis("top_k", -1, x.ndim, x.shape)
        if k < 0 or (not is_open(x.shape[-1]) and k > x.shape[-1]):
            raise ValueError(
                f"top_k: k = {k} of the last axis of the shape {x.shape}; k must be between 0 "
                f"and {x.shape[-1]}."
            )
        shape = (*x.shape[:-1], k)
        return KerasTensor(shape, x.dtype), KerasTensor(shape, "int32")

"""Shape rules of `contract/random.py`: random numbers have the shape that was asked for, open axes
included."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import check_shape


class Random:
    def random_bits(self, key, shape):
        return KerasTensor(check_shape("random_bits", shape), "int64")

    def uniform(self, key, shape, dtype):
        return KerasTensor(check_shape("uniform", shape), dtype)

    normal = uniform

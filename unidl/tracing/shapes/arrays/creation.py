"""Shape rules: conversion and creation."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import dtypes, registry
from unidl.backend.host_data import from_host
from unidl.backend.variable import Variable
from unidl.tracing.keras_tensor import KerasTensor, NoValue
from unidl.tracing.shapes.arithmetic import check_shape
from unidl.tracing.sizes import of_both


def of_value(x) -> KerasTensor:
    """The shape and dtype of a number, array, Variable or tensor of any backend."""
    if isinstance(x, KerasTensor):
        return x
    if isinstance(x, Variable):
        return KerasTensor(x.shape, x.value_dtype)
    owner = None if type(x) is np.ndarray else registry.owner_of_type(type(x))
    if owner is not None:
        return KerasTensor(owner.shape(x), owner.dtype(x))
    array, dtype = from_host(x)
    return KerasTensor(array.shape, dtype)


def _count(start, stop, step):
    return max(0, math.ceil((stop - start) / step))


class Creation:
    def asarray(self, x, dtype=None):
        tensor = of_value(x)
        return tensor if dtype is None else self.cast(tensor, dtype)

    def to_numpy(self, x):
        raise NoValue(
            "convert_to_numpy", "Call the model on data first, or compute with unidl.ops."
        )

    def is_tensor(self, x):
        return isinstance(x, KerasTensor)

    def shape(self, x):
        return x.shape

    def dtype(self, x):
        return x.dtype

    def cast(self, x, dtype):
        dtype = dtypes.standardize_dtype(dtype)
        return x if dtype == x.dtype else KerasTensor(x.shape, dtype)

    def stop_gradient(self, x):
        return KerasTensor(x.shape, x.dtype)

    copy = stop_gradient

    def full(self, shape, value, dtype):
        return KerasTensor(check_shape("full", shape), dtype)

    def full_like(self, x, value, dtype=None):
        return KerasTensor(x.shape, dtype or x.dtype)

    def arange(self, start, stop, step, dtype):
        if step == 0:
            raise ValueError("arange: step must not be 0.")
        return KerasTensor((of_both(_count, start, stop, step),), dtype)

    def eye(self, n, m, k, dtype):
        return KerasTensor(check_shape("eye", (n, m)), dtype)

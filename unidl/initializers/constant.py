"""Initializers without randomness."""

from __future__ import annotations

import numpy as np

from unidl.initializers.initializer import Initializer, host_array


class Constant(Initializer):
    """Every element is `value`, a number or an array that broadcasts to the shape."""

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return host_array(np.broadcast_to(np.asarray(self.value), tuple(shape)), dtype).copy()

    def get_config(self):
        value = self.value
        return {"value": value.item() if isinstance(value, np.generic) else value}


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape, dtype=None):
        return host_array(np.zeros(tuple(shape)), dtype)


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape, dtype=None):
        return host_array(np.ones(tuple(shape)), dtype)


class Identity(Initializer):
    """`gain` times the identity matrix, for two axes (n, m) only."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(f"Identity: a matrix has two axes, got the shape {tuple(shape)}.")
        return host_array(self.gain * np.eye(*shape), dtype)

    def get_config(self):
        return {"gain": self.gain}

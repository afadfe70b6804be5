"""Initializers without randomness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from unidl.initializers.initializer import Initializer, host_array, host_dtype
from unidl.typing import Config, DType
from unidl.utils.rules import NUMBER, NUMERIC


class Constant(Initializer):
    """Every element is `value`, a number or an array that broadcasts to the shape.

    Args:
        value: a number, or an array that broadcasts to the shape.

    Examples:
        >>> unidl.initializers.Constant(0.5)((2, 2))
        array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
    """

    _rules: ClassVar = {"value": NUMERIC}

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        return host_array(np.broadcast_to(np.asarray(self.value), tuple(shape)), dtype).copy()

    def get_config(self) -> Config:
        value = self.value
        return {"value": value.item() if isinstance(value, np.generic) else value}


class Zeros(Initializer):
    """Zeros.

    Examples:
        >>> unidl.initializers.Zeros()((2,))
        array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        return np.zeros(tuple(shape), host_dtype(dtype))


class Ones(Initializer):
    """Ones.

    Examples:
        >>> unidl.initializers.Ones()((2,), dtype="float64")
        array([1., 1.])
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        return np.ones(tuple(shape), host_dtype(dtype))


class Identity(Initializer):
    """`gain` times the identity matrix, for two axes (n, m) only.

    Args:
        gain: factor.

    Examples:
        >>> unidl.initializers.Identity(gain=2.0)((2, 2))
        array([[2., 0.],
               [0., 2.]], dtype=float32)
    """

    _rules: ClassVar = {"gain": NUMBER}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        if len(shape) != 2:
            raise ValueError(f"Identity: a matrix needs two axes, got the shape {tuple(shape)}.")
        rows, columns = shape
        return host_array(self.gain * np.eye(rows, columns), dtype)

    def get_config(self) -> Config:
        return {"gain": self.gain}

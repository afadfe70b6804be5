"""Orthogonal matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from unidl.initializers.initializer import host_array
from unidl.initializers.random import RandomInitializer
from unidl.random import numpy_draws
from unidl.typing import Config, DType, SeedLike
from unidl.utils.rules import NUMBER


class Orthogonal(RandomInitializer):
    """`gain` times a random orthogonal matrix (Saxe et al., arXiv:1312.6120) of all axes but the
    last, by the last.

    Its columns are orthonormal, or its rows where there are fewer of them.

    Args:
        gain: factor.
        seed: with an int, and with None too, every call gives the same values (None: others for
            each initializer); a `SeedGenerator` gives new ones at every call.

    Examples:
        >>> w = unidl.initializers.Orthogonal(seed=1)((3, 3))
        >>> unidl.ops.abs(unidl.ops.round(unidl.ops.matmul(unidl.ops.transpose(w), w), 3))
        array([[1., 0., 0.],
               [0., 1., 0.],
               [0., 0., 1.]], dtype=float32)
    """

    _rules: ClassVar = {"gain": NUMBER}

    def __init__(self, gain: float = 1.0, seed: SeedLike | None = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal: a matrix needs at least two axes, got the shape {tuple(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(
            self._draw(numpy_draws.normal, (max(rows, columns), min(rows, columns)), "float64")
        )
        # The signs of the diagonal make the decomposition unique, and the distribution even
        # (Mezzadri, math-ph/0609050).
        q *= np.sign(np.diagonal(r))
        return host_array(self.gain * (q if rows >= columns else q.T).reshape(tuple(shape)), dtype)

    def get_config(self) -> Config:
        return {**super().get_config(), "gain": self.gain}

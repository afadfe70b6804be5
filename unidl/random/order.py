"""Random orders, drawn on the host."""

from __future__ import annotations

import numpy as np

from unidl.random import numpy_draws
from unidl.random.seed_generator import host_key
from unidl.typing import SeedLike


def permutation(n: int, seed: SeedLike | None = None) -> np.ndarray:
    """range(n) in random order, int64 (n,): the order of `shuffle` with the same seed, on every
    backend.

    Examples:
        >>> unidl.random.permutation(5, seed=1)
        array([0, 1, 4, 3, 2])
    """
    return numpy_draws.permutation(host_key(seed), n)

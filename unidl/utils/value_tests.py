"""Quick tests of the values of a batch: one pass over an array each."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def is_finite(array: np.ndarray) -> bool:
    """False if the float array may hold NaN or infinity.

    It looks at the product of the array with itself, which is quicker to have than anything that
    looks for NaN, and so may say False of large numbers, too.
    """
    return math.isfinite(np.vdot(array, array))


def below(limit: int) -> Callable[[np.ndarray], bool]:
    """A test whether integers lie in [0, limit), in one pass: seen as unsigned, those below 0 are
    the largest."""

    def passes(array: np.ndarray) -> bool:
        unsigned = array if array.dtype.kind == "u" else array.view(_UNSIGNED[array.itemsize])
        # `max` takes three times as long for the few labels of a batch.
        return not array.size or unsigned.item(unsigned.argmax()) < limit

    return passes


_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

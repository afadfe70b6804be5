"""Normalization of NumPy arrays."""

from __future__ import annotations

import numpy as np


def normalize(x, axis=-1, order=2) -> np.ndarray:
    """`x` divided by its norm of the given order along `axis`; slices of zeros stay zeros. For tensors: `ops.normalize`."""
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)

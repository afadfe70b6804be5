"""The warning about data that contain NaN or infinity."""

from __future__ import annotations

import warnings

import numpy as np

from unidl import tree
from unidl.utils.traceback_filtering import user_stacklevel


def count(structure):
    """How many values of the float arrays in it are NaN or infinite."""
    return sum(
        int(leaf.size - np.count_nonzero(np.isfinite(leaf)))
        for leaf in tree.flatten(structure)
        if leaf is not None and leaf.dtype.kind == "f"
    )


def warn(where, bad):
    """Say that the data at `where` contain `bad` such values."""
    warnings.warn(
        f"{where} contains {bad} NaN or infinite values; the loss will become NaN too.",
        RuntimeWarning,
        stacklevel=user_stacklevel(),
    )

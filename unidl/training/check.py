"""Data against model, on the host, before a framework sees it."""

from __future__ import annotations

import math
import warnings

import numpy as np

from unidl import tree
from unidl.utils.traceback_filtering import user_stacklevel
from unidl.utils.value_tests import is_finite

# Below this size BLAS takes one thread.
_SMALL = 4096


def batches(model, source, targets=True):
    """Check shapes and all values: NaN, label ranges, embedding indices. Of a stream the first
    batch is looked at here, and each as it comes."""
    if source.arrays is None:
        from unidl.training.stream import StreamCheck

        source.check = StreamCheck(model, source.caller, targets)
        source.check(1, source.sample())
        return
    x, y, sample_weight = source.arrays
    _warn_of_nan("x", x)
    if targets:
        _warn_of_nan("y", y)
        _warn_of_nan("sample_weight", sample_weight)
        model.objective.check(model, x, y, sample_weight)
    _check_indices(model, x)


def inputs(model, x):
    """Check the values of an array like one whose shape and dtype have been checked."""
    if x.dtype.kind == "f" and (x.size > _SMALL or not is_finite(x)):
        _warn_of_nan("x", x)
    _check_indices(model, x)


def _warn_of_nan(name, structure):
    for leaf in tree.flatten(structure):
        # A memory map may be larger than memory: reading all of it here would cost an epoch.
        if (
            leaf is not None
            and leaf.dtype.kind == "f"
            and not isinstance(leaf, np.memmap)
            and not math.isfinite(leaf.sum())
        ):
            bad = int(np.size(leaf) - np.count_nonzero(np.isfinite(leaf)))
            if bad:
                warnings.warn(
                    f"The data {name!r} contains {bad} NaN or infinite values; the loss will "
                    "become NaN too.",
                    RuntimeWarning,
                    stacklevel=user_stacklevel(),
                )


def _check_indices(model, x):
    """Embeddings that stand right behind an input get indices in their range."""
    for name, array, embedding in looked_up(model, x):
        if array is not None and not isinstance(array, np.memmap):
            embedding.check_indices(array, f"the input {name!r}")


def looked_up(model, x):
    """[(name of an input, its array in x, the Embedding that stands right behind it)]."""
    plan = model._plan
    if plan is None or not plan.looked_up:
        return []
    values = model._match_arrays(x)
    return [(plan.input_tensors[i].name, values[i], embedding) for i, embedding in plan.looked_up]

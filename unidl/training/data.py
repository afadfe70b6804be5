"""Data in: arrays, generators and other iterables become a stream of (x, y, sample_weight)
batches."""

from __future__ import annotations

import math

from unidl import tree
from unidl.training import arguments
from unidl.training.array_batches import ArrayBatches
from unidl.training.batches import STEPS
from unidl.training.host_batch import (
    columns,
    common_length,
    is_array,
    is_arrays,
    is_list_of_numbers,
    to_array,
    to_arrays,
)
from unidl.training.iterable_batches import IterableBatches

DEFAULT_BATCH = 32


def make_batches(x, y, sample_weight, batch_size, shuffle, class_weight, steps, caller):
    """The source of batches for whatever was given to fit, evaluate or predict."""
    if x is None:
        raise ValueError(
            f"{caller}: no data. Give arrays (x=..., y=...) or an iterable of batches."
        )
    steps = arguments.whole_or_none(caller, STEPS.get(caller, "steps"), steps)
    batch_size = arguments.whole_or_none(caller, "batch_size", batch_size)
    class_weight = arguments.class_weights(caller, class_weight)
    x, y, sample_weight = (columns(part, y is not None) for part in (x, y, sample_weight))
    if is_arrays(x):
        return ArrayBatches(
            x, y, sample_weight, batch_size or DEFAULT_BATCH, shuffle, class_weight, steps, caller
        )
    leaves = tree.flatten(x)
    if isinstance(x, list | tuple | dict) and any(leaf is None for leaf in leaves):
        raise ValueError(
            f"{caller}: x contains None besides {len(leaves) - 1} other parts. Each input of the "
            "model must be an array, or None for an input made with Input(..., optional=True)."
        )
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"{caller}: {name}= can only be used with arrays; an iterable must yield batches "
                "(x, y) or (x, y, sample_weight)."
            )
    return IterableBatches(x, shuffle, class_weight, steps, caller)


def one_batch(x, y, sample_weight, class_weight, caller):
    """All of some arrays as a single batch."""
    size = rows_of(x, caller)
    return make_batches(x, y, sample_weight, size, False, class_weight, None, caller)


def rows_of(x, caller):
    """How many rows the arrays `x` have."""
    leaves = tree.flatten(x, is_leaf=is_list_of_numbers)
    first = next((leaf for leaf in leaves if leaf is not None), None)
    if isinstance(first, list):
        return len(first)
    if not is_array(first):
        raise TypeError(
            f"{caller}: x must be the arrays of one batch, got "
            f"{'nothing' if first is None else type(first).__name__}."
        )
    if not hasattr(first, "shape"):
        first = to_array(first, f"{caller}: x")
    if not getattr(first, "shape", ()):
        raise ValueError(f"{caller}: x is a single number; data needs a first axis of samples.")
    if not len(first):
        raise ValueError(f"{caller}: x has no rows. Leave out empty batches.")
    return len(first)


def split_validation(x, y, sample_weight, fraction):
    """((x, y, w) to train on, (x, y, w) to validate on): the last `fraction` of the samples, before
    any shuffling."""
    if not is_arrays(x):
        raise ValueError(
            "fit: validation_split needs arrays. For an iterable give validation_data=."
        )
    arrays = to_arrays((x, y, sample_weight), "fit")
    count = common_length(arrays, "fit")
    cut = math.floor(count * (1.0 - fraction))
    if cut == 0 or cut == count:
        raise ValueError(
            f"fit: validation_split={fraction} of {count} samples leaves one part empty."
        )
    return tree.map_structure(lambda a: None if a is None else a[:cut], arrays), tree.map_structure(
        lambda a: None if a is None else a[cut:], arrays
    )

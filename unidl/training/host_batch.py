"""A batch (x, y, sample_weight) on the host: which data are arrays, and all of them as NumPy's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unidl import tree
from unidl.backend.foreign_arrays import as_array, holds_gaps, offers_array
from unidl.ops.dispatch import owner_of

PARTS = ("x", "y", "sample_weight")
_WHOLE_BATCHES = (
    " An iterable must yield whole batches: if its items are single samples, stack several of them."
)


def unpack(data):
    """(x, y, sample_weight) of validation data, or of a batch that a user's iterable yields."""
    if data is None or (isinstance(data, tuple) and not 1 <= len(data) <= 3):
        found = "None" if data is None else f"a tuple of {len(data)}"
        raise ValueError(
            f"expected x, (x, y) or (x, y, sample_weight), got {found}. Put several inputs into a "
            "list or a dict: ([x1, x2], y)."
        )
    if (
        isinstance(data, tuple | list)
        and 1 <= len(data) <= 3
        and not (isinstance(data, list) and np.isscalar(data[0]))
    ):
        return (*data, None, None)[:3]
    return data, None, None


def is_arrays(x):
    leaves = [leaf for leaf in tree.flatten(x) if leaf is not None]  # of an optional input
    return bool(leaves) and all(is_array(leaf) for leaf in leaves)


def is_array(leaf):
    return (
        isinstance(leaf, int | float | bool | np.generic)
        or (hasattr(leaf, "shape") and hasattr(leaf, "dtype"))
        or offers_array(leaf)
    )


def columns(structure, beside_targets):
    """`structure` with the columns of data sets in it, which are sequences of samples that are no
    lists, read as what their slices are: lists or arrays."""
    if type(structure) is np.ndarray:
        return structure

    def is_column(leaf):
        if not isinstance(leaf, Sequence) or isinstance(leaf, str | bytes | list | tuple | range):
            return False
        if not len(leaf):
            return False
        # Without targets, arrays might as well be batches.
        first = leaf[0]
        return is_list_of_numbers([first]) or (beside_targets and offers_array(first))

    return tree.map_structure(
        lambda leaf: leaf[:] if is_column(leaf) else leaf, structure, none_is_leaf=False
    )


def to_arrays(batch, where):
    """(x, y, sample_weight) with every leaf as NumPy array: tensors of any framework, tables, and
    lists of numbers too. `where` begins the messages."""
    return tuple(
        tree.map_structure(
            lambda leaf, part=part: to_array(leaf, f"{where}: {part}"),
            structure,
            none_is_leaf=False,
            is_leaf=is_list_of_numbers,
        )
        for part, structure in zip(PARTS, batch, strict=True)
    )


def to_array(leaf, where):
    if isinstance(leaf, list):
        return _list_to_array(leaf, where)
    if isinstance(leaf, np.ndarray):
        array = leaf
    else:
        owner = owner_of(leaf)
        array = as_array(leaf) if owner is None else owner.to_numpy(leaf)
    if array.dtype.kind not in "biuf" and array.dtype.name == "bfloat16":
        array = array.astype("float32")
    if array.dtype.kind not in "biuf":
        if holds_gaps(array):
            raise TypeError(
                f"{where} has missing entries, which a tensor cannot hold. Fill them, or leave out "
                "those rows."
            )
        what = (
            f"an array of dtype {array.dtype}"
            if array.ndim
            else "None"
            if leaf is None
            else f"a {type(leaf).__name__}"
        )
        raise TypeError(
            f"{where} must be numbers; got {what}. Convert text to integers first, and ragged "
            "lists to padded arrays."
        )
    return array


def is_list_of_numbers(structure):
    """Whether a list, however deep, holds Python numbers or text, and so is an array that was
    written out."""
    while isinstance(structure, list) and structure:
        structure = structure[0]
        if isinstance(structure, int | float | str | np.generic):
            return True
    return False


def _list_to_array(nested, where):
    try:
        array = np.asarray(nested)
    except ValueError as error:
        raise ValueError(
            f"{where}: a list of data must have rows of equal length, as in an array. Pad the "
            f"shorter ones. ({error})"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{where} must be numbers; got a list of {array.dtype}. Convert text to integers first."
        )
    return array


def common_length(arrays, caller):
    """How many samples (x, y, sample_weight) have; an error unless all have the same number."""
    who = f"{caller}: " if caller else ""
    lengths = {}
    for name, part in zip(PARTS, arrays, strict=True):
        for leaf in tree.flatten(part):
            if leaf is not None:
                if leaf.ndim == 0:
                    raise ValueError(
                        f"{who}{name} is a single number; data needs a first axis of "
                        f"samples.{'' if caller else _WHOLE_BATCHES}"
                    )
                lengths.setdefault(len(leaf), name)
    if len(lengths) > 1:
        listing = ", ".join(f"{name} has {length}" for length, name in lengths.items())
        raise ValueError(
            f"{who}the arrays have different numbers of samples: {listing}. Each sample needs an "
            "entry in all of them."
        )
    if not lengths:
        raise ValueError(f"{who}the data contains no array.")
    return next(iter(lengths))


def weights_of_classes(y, sample_weight, class_weight):
    """Sample weights (n,) from {class: weight}, times those given."""
    if isinstance(y, dict | list | tuple) or y is None:
        raise ValueError(
            "fit: class_weight needs a single array of targets. For several outputs use "
            "sample_weight."
        )
    classes = (
        np.argmax(y, axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y), -1)[:, 0]
    )
    weights = np.ones(len(y))
    for label, weight in class_weight.items():
        weights[classes == label] = weight
    return weights if sample_weight is None else weights * sample_weight


def is_pair(batch):
    """Whether the batch is one array x and one array y."""
    x, y, sample_weight = batch
    return sample_weight is None and type(x) is np.ndarray and type(y) is np.ndarray


def form_of(batch):
    """Structure, shapes and dtypes."""
    if is_pair(batch):
        x, y, _ = batch
        return x.shape, x.dtype, y.shape, y.dtype
    return [
        (path, leaf if leaf is None else (leaf.shape, leaf.dtype))
        for path, leaf in tree.flatten_with_path(batch)
    ]

"""split_dataset."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from unidl import tree
from unidl.utils.arguments import public_function
from unidl.utils.py_dataset import PyDataset


@public_function
def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Cut arrays into two parts along their first axis.

    Args:
        dataset: an array, or arrays of one length in a tuple, list or dict.
        left_size, right_size: number of samples of each part, or a share from 0 to 1; what is not
            given is the rest.
        shuffle: mix the samples first, by `seed`.
        preferred_backend: must be None: the parts are NumPy arrays, which every backend takes.

    Returns:
        (left, right), each in the structure of `dataset`: `fit(*left, validation_data=right)`.

    Examples:
        >>> x, y = np.arange(10), np.arange(10) ** 2
        >>> (x_left, y_left), right = unidl.utils.split_dataset((x, y), left_size=0.8)
        >>> len(x_left), right
        (8, (array([8, 9]), array([64, 81])))
    """
    if preferred_backend is not None:
        raise ValueError(
            "split_dataset: preferred_backend chooses a framework's data set. Here the parts are "
            f"arrays, which fit accepts on every backend: leave it out, got {preferred_backend!r}."
        )
    leaves = [] if isinstance(dataset, PyDataset) else tree.flatten(dataset)
    if not leaves or not all(hasattr(leaf, "shape") and hasattr(leaf, "dtype") for leaf in leaves):
        raise TypeError(
            "split_dataset: expected an array, or arrays in a tuple, list or dict, got a "
            f"{type(dataset).__name__}. Split the underlying arrays, or a folder with "
            "validation_split=... and subset='both'."
        )
    arrays = [np.asarray(leaf) for leaf in leaves]
    if any(array.ndim == 0 for array in arrays) or len({len(array) for array in arrays}) > 1:
        raise ValueError(
            "split_dataset: the arrays need a first axis of the same length, got the shapes "
            f"{', '.join(str(array.shape) for array in arrays)}."
        )
    count = len(arrays[0])
    left, right = _sizes(left_size, right_size, count)
    order = list(range(count))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)

    def part(chosen: list[int]) -> Any:
        whole = chosen == list(range(chosen[0], chosen[-1] + 1))
        index: Any = slice(chosen[0], chosen[-1] + 1) if whole else chosen
        return tree.pack_sequence_as(dataset, [array[index] for array in arrays])

    return part(order[:left]), part(order[count - right :])


def _sizes(left: Any, right: Any, count: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("split_dataset: give left_size or right_size, for example left_size=0.8.")
    found = [_size(name, size, count) for name, size in (("left", left), ("right", right))]
    sizes = [count - (found[1 - i] or 0) if size is None else size for i, size in enumerate(found)]
    if sum(sizes) > count or min(sizes) < 1:
        raise ValueError(
            f"split_dataset: left_size={left!r} and right_size={right!r} of {count} samples are "
            f"parts of {sizes[0]} and {sizes[1]}. Each needs at least one, and there are {count} "
            "in all."
        )
    return sizes[0], sizes[1]


def _size(name: str, size: Any, count: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int | float | np.number):
        raise TypeError(
            f"split_dataset: {name}_size must be a number of samples or a fraction: {size!r}."
        )
    is_share = isinstance(size, float | np.floating)
    if not 0 < size < (1 if is_share else count):
        raise ValueError(
            f"split_dataset: {name}_size must be a fraction between 0 and 1 or a number of samples "
            f"below {count}, got {size!r}."
        )
    return round(size * count) if is_share else int(size)

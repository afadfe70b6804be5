"""SampleDataset: batches of samples that are made one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from unidl.utils.py_dataset import PyDataset

FORMATS = ("py",)


class SampleDataset(PyDataset):
    """What the functions of `utils` that end in `_from_directory` and `_from_array` return.

    `dataset[i]` is batch number `i`, `for batch in dataset:` goes through all of them, and `fit`
    takes it as it is. With `shuffle` the samples get a new order after each epoch.

    Attributes:
        class_names: names of the classes in the order of their numbers, None without labels.
        file_paths: of the samples, in the order of the files; None for arrays.
        workers: threads that make batches ahead; set it to read files in parallel.

    Args:
        count: number of samples.
        sample: sample(i) -> sample number `i`.
        labels: array whose rows are the samples' labels, None without.
        batch_size: samples of a batch; the last may have fewer. None: each sample alone, without a
            batch axis.
        seed: of the order, None for one drawn from NumPy's global generator.
        stacked: makes a batch of a list of samples.
    """

    def __init__(
        self,
        count: int,
        sample: Callable[[int], Any],
        labels: Any,
        batch_size: int | None,
        shuffle: bool,
        seed: int | None,
        stacked: Callable[[list[Any]], Any] = np.stack,
        class_names: Sequence[str] | None = None,
        file_paths: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.class_names, self.file_paths = class_names, file_paths
        self._count, self._sample, self._labels, self._stacked = count, sample, labels, stacked
        self._batch_size, self._shuffle = batch_size, shuffle
        self._random = np.random.default_rng(drawn_seed(seed))
        self._order = np.arange(count)

    def __len__(self) -> int:
        return math.ceil(self._count / (self._batch_size or 1))

    def __getitem__(self, index: Any) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"batch {index} of a data set of {len(self)} batches")
        index %= len(self)
        size = self._batch_size or 1
        chosen = self._order[index * size : (index + 1) * size]
        samples = [self._sample(int(i)) for i in chosen]
        if self._batch_size is None:
            return samples[0] if self._labels is None else (samples[0], self._labels[chosen[0]])
        batch = self._stacked(samples)
        return batch if self._labels is None else (batch, self._labels[chosen])

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """With `shuffle`: a new order."""
        if self._shuffle:
            self._random.shuffle(self._order)


def drawn_seed(seed: int | None) -> int:
    """`seed`, or one from the generator that `utils.set_random_seed` seeds."""
    return int(np.random.randint(10**6)) if seed is None else seed  # noqa: NPY002


def check_format(who: str, given: str) -> None:
    """The results are of unidl's own kind alone."""
    if given not in FORMATS:
        raise ValueError(
            f"{who}: format must be 'py', a PyDataset that fit accepts on every backend, got "
            f"{given!r}. For a data set of another library, create it there from the arrays or "
            "files; fit accepts those too."
        )


def check_batch_size(who: str, batch_size: Any) -> None:
    if batch_size is not None and (
        not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1
    ):
        raise ValueError(
            f"{who}: batch_size must be a positive integer, or None for single samples, got "
            f"{batch_size!r}."
        )

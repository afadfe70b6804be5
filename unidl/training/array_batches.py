"""Batches from arrays: slices of them, or rows that are gathered in another order."""

from __future__ import annotations

import math

import numpy as np

from unidl import random, tree
from unidl.training.batches import Batches
from unidl.training.host_batch import common_length, to_arrays, weights_of_classes


class ArrayBatches(Batches):
    """Batches from arrays in memory or mapped from disk.

    Attributes:
        count: batches in an epoch.
        arrays: (x, y, sample_weight) as NumPy arrays in their structure.
    """

    def __init__(self, x, y, sample_weight, batch_size, shuffle, class_weight, steps, caller):
        self.arrays = x, y, sample_weight = to_arrays((x, y, sample_weight), caller)
        self.size = common_length(self.arrays, caller)
        if self.size == 0:
            raise ValueError(f"{caller}: the arrays are empty (0 samples).")
        self.batch_size = min(batch_size, self.size)
        self.shuffle = shuffle
        if class_weight is not None:
            self.arrays = x, y, weights_of_classes(y, sample_weight, class_weight)
        self._batches = math.ceil(self.size / self.batch_size)
        self.count = self._batches if steps is None else steps
        super().__init__(steps, caller)

    def _first(self):
        return tree.map_structure(
            lambda a: None if a is None else a[: self.batch_size], self.arrays
        )

    def _pass(self):
        """Its batches are lists of leaves, in the order of `tree.flatten` and without those that
        are None."""
        order = random.permutation(self.size) if self.shuffle else None
        return _ArrayPass(
            [leaf for leaf in tree.flatten(self.arrays) if leaf is not None], self.batch_size, order
        )


class _ArrayPass:
    """One pass over arrays (n, ...), in the `order` of an index (n,), or in their own."""

    def __init__(self, leaves, batch_size, order):
        self._leaves, self._batch_size, self._order = leaves, batch_size, order
        self._start, self._size = 0, len(leaves[0])

    def allow(self, count):
        """Nothing is made before `take` asks for it."""

    def close(self):
        """Nothing is left to end."""

    def take(self, most, whole=False):
        """The next (count, batch), at most `most` batches; None at the end."""
        left = self._size - self._start
        if not left:
            return None
        count = max(1, min(most, left // self._batch_size))
        rows = slice(self._start, self._start + min(count * self._batch_size, left))
        self._start = rows.stop
        if self._order is None:
            batch = [np.ascontiguousarray(a[rows]) for a in self._leaves]
        else:
            batch = [a.take(self._order[rows], axis=0) for a in self._leaves]
        return count, batch if count == 1 else [
            a.reshape(count, self._batch_size, *a.shape[1:]) for a in batch
        ]

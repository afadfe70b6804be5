"""Data in: arrays, generators and other iterables become a stream of (x, y, sample_weight)
batches."""

from __future__ import annotations

import collections
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from unidl import random, tree
from unidl.ops.dispatch import owner_of

DEFAULT_BATCH = 32


def make_batches(x, y, sample_weight, batch_size, shuffle, class_weight, steps, caller):
    """The source of batches for whatever was given to fit, evaluate or predict."""
    if x is None:
        raise ValueError(
            f"{caller}: no data. Give arrays, x=..., y=..., or an iterable of batches."
        )
    if _is_arrays(x):
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise ValueError(
                f"{caller}: batch_size must be a positive integer, got {batch_size!r}."
            )
        return ArrayBatches(
            x, y, sample_weight, batch_size or DEFAULT_BATCH, shuffle, class_weight, steps, caller
        )
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"{caller}: {name}= goes with arrays; an iterable yields batches (x, y) or (x, y, "
                "sample_weight) itself."
            )
    return IterableBatches(x, shuffle, class_weight, steps, caller)


def unpack(data):
    """(x, y, sample_weight) of validation data, or of a batch that a user's iterable yields."""
    if (
        isinstance(data, tuple | list)
        and 1 <= len(data) <= 3
        and not (isinstance(data, list) and np.isscalar(data[0]))
    ):
        return (*data, None, None)[:3]
    return data, None, None


def split_validation(x, y, sample_weight, fraction):
    """((x, y, w) to train on, (x, y, w) to validate on): the last `fraction` of the samples, before
    any shuffling."""
    if not 0 < fraction < 1:
        raise ValueError(f"fit: validation_split must lie between 0 and 1, got {fraction}.")
    if not _is_arrays(x):
        raise ValueError(
            "fit: validation_split needs arrays. For an iterable give validation_data=."
        )
    arrays = _to_arrays((x, y, sample_weight))
    count = _common_length(arrays, "fit")
    cut = math.floor(count * (1.0 - fraction))
    if cut == 0 or cut == count:
        raise ValueError(
            f"fit: validation_split={fraction} of {count} samples leaves one side empty."
        )
    return tree.map_structure(lambda a: None if a is None else a[:cut], arrays), tree.map_structure(
        lambda a: None if a is None else a[cut:], arrays
    )


class Batches:
    """What is common to all sources: an epoch of a given number of steps.

    Such an epoch of `fit` goes on where the last one stopped, and begins a new pass over the data
    when one ends.
    """

    def __init__(self, steps, caller):
        self._steps, self._caller = steps, caller
        self._current = self._sample = None

    def sample(self):
        """The first batch, looked at before the first epoch."""
        if self._sample is None:
            self._sample = self._first()
        return self._sample

    def __iter__(self):
        """One batch at a time."""
        return (batch for _, batch in self.chunks(lambda: 1))

    def chunks(self, most):
        """(count, batch) for each launch of an epoch: one batch, or `count` equal ones stacked
        along a new first axis.

        `most()` is asked before each how many it may hold.
        """
        if self._steps is None:
            current = self._pass()
            while (chunk := current.take(most())) is not None:
                yield chunk
            return
        if self._current is None or self._caller != "fit":
            self._current = self._pass()
        taken = 0
        while taken < self._steps:
            wanted = min(most(), self._steps - taken)
            chunk = self._current.take(wanted)
            if chunk is None:
                self._current = self._pass()
                chunk = self._current.take(wanted)
            if chunk is None:
                raise ValueError(
                    f"{self._caller}: the iterator ended after {taken} of {self._steps} batches. "
                    f"Make it endless (while True), or ask for fewer steps or epochs."
                )
            taken += chunk[0]
            yield chunk


class ArrayBatches(Batches):
    """Batches from arrays in memory or mapped from disk.

    Attributes:
        count: batches in an epoch.
        arrays: (x, y, sample_weight) as NumPy arrays in their structure.
    """

    def __init__(self, x, y, sample_weight, batch_size, shuffle, class_weight, steps, caller):
        self.arrays = x, y, sample_weight = _to_arrays((x, y, sample_weight))
        self.size = _common_length(self.arrays, caller)
        if self.size == 0:
            raise ValueError(f"{caller}: the arrays are empty (0 samples).")
        self.batch_size = min(batch_size, self.size)
        self.shuffle = shuffle
        if class_weight is not None:
            self.arrays = x, y, _weights_of_classes(y, sample_weight, class_weight)
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

    def take(self, most):
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


class IterableBatches(Batches):
    """Batches from a generator, a loader, or an object with `__len__` and `__getitem__`."""

    arrays = None

    def __init__(self, source, shuffle, class_weight, steps, caller):
        self._source, self._shuffle, self._class_weight = source, shuffle, class_weight
        self._indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        if not self._indexed and not hasattr(source, "__iter__"):
            raise TypeError(
                f"{caller}: cannot take batches from a {type(source).__name__}. Give arrays, or an "
                "iterable that yields (x, y) batches."
            )
        self.count = len(source) if steps is None and hasattr(source, "__len__") else steps
        # A generator is used up as it goes, so one iterator serves all epochs; what is looked at
        # first is put back.
        self._running = iter(source) if not self._indexed and iter(source) is source else None
        super().__init__(steps, caller)

    def _first(self):
        if self._running is None:
            first = (
                self._source[0]
                if self._indexed and len(self._source)
                else next(iter(self._source), None)
            )
        else:
            first = next(self._running, None)
            if first is not None:
                self._running = itertools.chain([first], self._running)
        if first is None:
            raise ValueError(f"{self._caller}: the iterable has no batch.")
        return self._batch(first)

    def _pass(self):
        return _IterablePass(self._items())

    def _items(self):
        if not self._indexed:
            yield from map(self._batch, self._source if self._running is None else self._running)
            return
        if hasattr(self._source, "on_epoch_begin"):
            self._source.on_epoch_begin()
        order = random.permutation(len(self._source)) if self._shuffle else range(len(self._source))
        yield from map(self._batch, _fetch(self._source, map(int, order)))
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()

    def _batch(self, item):
        x, y, sample_weight = _to_arrays(unpack(item))
        if self._class_weight is not None:
            sample_weight = _weights_of_classes(y, sample_weight, self._class_weight)
        return x, y, sample_weight


def _fetch(source, order):
    """The items of `source` in the `order` of their numbers, made ahead by threads if it has
    several `workers`."""
    if getattr(source, "workers", 1) < 2:
        yield from map(source.__getitem__, order)
        return
    waiting = collections.deque()
    with ThreadPoolExecutor(source.workers) as pool:
        for i in order:
            waiting.append(pool.submit(source.__getitem__, i))
            if len(waiting) > source.max_queue_size:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _IterablePass:
    """One pass over batches (x, y, sample_weight) as they come."""

    def __init__(self, batches):
        self._batches = batches
        self._held = None

    def take(self, most):
        """The next (count, batch), at most `most` batches; None at the end. A batch of another form
        waits for the next call."""
        first = self._next()
        if first is None or most == 1:
            return None if first is None else (1, first)
        equal, form = [first], _form(first)
        while len(equal) < most and (batch := self._next()) is not None:
            if _form(batch) != form:
                self._held = batch
                break
            equal.append(batch)
        if len(equal) == 1:
            return 1, first
        return len(equal), tree.map_structure(
            lambda *leaves: None if leaves[0] is None else np.stack(leaves), *equal
        )

    def _next(self):
        batch, self._held = self._held, None
        return next(self._batches, None) if batch is None else batch


def _form(batch):
    """Structure, shapes and dtypes."""
    return [
        (path, leaf if leaf is None else (leaf.shape, leaf.dtype))
        for path, leaf in tree.flatten_with_path(batch)
    ]


def _is_arrays(x):
    leaves = tree.flatten(x)
    return bool(leaves) and all(_is_array(leaf) for leaf in leaves)


def _is_array(leaf):
    return (
        isinstance(leaf, int | float | bool | np.generic)
        or (hasattr(leaf, "shape") and hasattr(leaf, "dtype"))
        or hasattr(leaf, "iloc")
    )


def _to_arrays(structure):
    """Every leaf as NumPy array: tensors of any framework, tables, and lists of numbers too."""
    return tree.map_structure(_to_array, structure, none_is_leaf=False, is_leaf=_is_list_of_numbers)


def _to_array(leaf):
    if isinstance(leaf, list):
        return _list_to_array(leaf)
    if isinstance(leaf, np.ndarray):
        array = leaf
    else:
        owner = owner_of(leaf)
        array = np.asarray(leaf) if owner is None else owner.to_numpy(leaf)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Data must be numbers; got an array of dtype {array.dtype}. Convert text to integers "
            "first, and ragged lists to padded arrays."
        )
    return array


def _is_list_of_numbers(structure):
    """Whether a list, however deep, holds Python numbers or text, and so is an array that was
    written out."""
    while isinstance(structure, list) and structure:
        structure = structure[0]
        if isinstance(structure, int | float | str | np.generic):
            return True
    return False


def _list_to_array(nested):
    try:
        array = np.asarray(nested)
    except ValueError as error:
        raise ValueError(
            "A list of data must have rows of one length, as an array has. Pad the shorter ones. "
            f"({error})"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Data must be numbers; got a list of {array.dtype}. Convert text to integers first."
        )
    return array


def _common_length(arrays, caller):
    x, y, sample_weight = arrays
    lengths = {}
    for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        for leaf in tree.flatten(part):
            if leaf is not None:
                if leaf.ndim == 0:
                    raise ValueError(
                        f"{caller}: {name} is a single number; data has a first axis of samples."
                    )
                lengths.setdefault(len(leaf), name)
    if len(lengths) > 1:
        listing = ", ".join(f"{name} has {length}" for length, name in lengths.items())
        raise ValueError(
            f"{caller}: the arrays differ in their number of samples: {listing}. Each sample needs "
            "its entry in all of them."
        )
    return next(iter(lengths))


def _weights_of_classes(y, sample_weight, class_weight):
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

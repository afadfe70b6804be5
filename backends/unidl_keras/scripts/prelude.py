"""What TensorFlow has in one piece and unidl has not: ported scripts get a copy of what they use.

Each piece needs the others here, unidl and NumPy only.
"""

from __future__ import annotations

import itertools
import operator

import numpy as np

import unidl


def tf_structure(function, *values):
    """`function` of the parts of nested tuples and dicts; all else is a part, lists too."""
    first = values[0]
    if isinstance(first, tuple):
        return tuple(tf_structure(function, *parts) for parts in zip(*values, strict=True))
    if isinstance(first, dict):
        return {key: tf_structure(function, *(one[key] for one in values)) for key in first}
    return function(*values)


def tf_array(value):
    """A NumPy array: of Python's numbers one with 32 bits, as TensorFlow makes it."""
    if unidl.ops.is_tensor(value) or isinstance(value, unidl.Variable):
        return unidl.ops.convert_to_numpy(value)
    array = np.asarray(value)
    narrow = {"float64": np.float32, "int64": np.int32}.get(array.dtype.name)
    is_numpy = isinstance(value, np.ndarray | np.generic)
    return array if is_numpy or narrow is None else array.astype(narrow)


def tf_tensor(value):
    """A tensor of the backend in use, with the dtype that `value` has."""
    is_tensor = unidl.ops.is_tensor(value) and not isinstance(value, np.generic)
    return unidl.ops.convert_to_tensor(value if is_tensor else tf_array(value))


class TFDataset:
    """tf.data.Dataset of what is in memory. Each pass makes the elements anew, one by one.

    elements: a function that returns an iterator. count: how many elements it gives; None where
    that is not known, or without an end.
    """

    def __init__(self, elements, count=None):
        self.elements, self.count = elements, count

    @classmethod
    def from_tensor_slices(cls, tensors):
        arrays = tf_structure(tf_array, tensors)
        lengths = []
        tf_structure(lambda array: lengths.append(len(array)), arrays)

        def elements():
            for place in range(lengths[0]):
                yield tf_structure(operator.itemgetter(place), arrays)

        return cls(elements, lengths[0])

    @classmethod
    def of(cls, batches):
        """The batches of what unidl.utils.image_dataset_from_directory and its like return."""
        return batches if isinstance(batches, cls) else cls(lambda: iter(batches), len(batches))

    @classmethod
    def zip(cls, datasets):
        counts = [one.count for one in datasets]
        return cls(
            lambda: zip(*(one.elements() for one in datasets), strict=False),
            None if None in counts else min(counts),
        )

    def __len__(self):
        if self.count is None:
            raise TypeError("The dataset has no length: it is endless, or it is not known.")
        return self.count

    def cardinality(self):
        return -2 if self.count is None else self.count

    def __iter__(self):
        return (tf_structure(tf_tensor, element) for element in self.elements())

    def as_numpy_iterator(self):
        return (tf_structure(tf_array, element) for element in self.elements())

    def map(self, function, num_parallel_calls=None):
        def elements():
            for element in self:
                yield function(*element) if isinstance(element, tuple) else function(element)

        return TFDataset(elements, self.count)

    def filter(self, predicate):
        def elements():
            for element in self:
                chosen = predicate(*element) if isinstance(element, tuple) else predicate(element)
                if tf_array(chosen):
                    yield element

        return TFDataset(elements)

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None):
        def elements():
            rows = self.as_numpy_iterator()
            while batch := list(itertools.islice(rows, batch_size)):
                if len(batch) == batch_size or not drop_remainder:
                    yield tf_structure(lambda *column: np.stack(column), *batch)

        rest = 0 if drop_remainder else batch_size - 1
        return TFDataset(elements, self.count and (self.count + rest) // batch_size)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True):
        """The next element is drawn from `buffer_size` waiting ones."""
        if seed is None:
            seed = np.random.randint(2**31)  # noqa: NPY002 - which scripts seed
        source = np.random.default_rng(seed)

        def elements():
            draw = source if reshuffle_each_iteration else np.random.default_rng(seed)
            rest = iter(self.elements())
            waiting = list(itertools.islice(rest, buffer_size))
            while waiting:
                place = draw.integers(len(waiting))
                yield waiting[place]
                waiting[place : place + 1] = itertools.islice(rest, 1)

        return TFDataset(elements, self.count)

    def repeat(self, count=None):
        times = itertools.repeat(None) if count in (None, -1) else range(count)
        known = self.count is not None and isinstance(times, range)

        def elements():
            return itertools.chain.from_iterable(self.elements() for _ in times)

        return TFDataset(elements, self.count * count if known else None)

    def concatenate(self, dataset):
        known = self.count is not None and dataset.count is not None
        return TFDataset(
            lambda: itertools.chain(self.elements(), dataset.elements()),
            self.count + dataset.count if known else None,
        )

    def take(self, count):
        if count == -1:
            return self
        known = self.count is not None
        kept = min(count, self.count) if known else None
        return TFDataset(lambda: itertools.islice(self.elements(), count), kept)

    def skip(self, count):
        known = self.count is not None
        kept = max(self.count - count, 0) if known else None
        return TFDataset(lambda: itertools.islice(self.elements(), count, None), kept)

    def cache(self):
        """What the first whole pass gives is kept."""
        kept = []

        def elements():
            if kept:
                yield from kept[0]
                return
            seen = []
            for element in self.elements():
                seen.append(element)
                yield element
            kept.append(seen)

        return TFDataset(elements, self.count)

    def prefetch(self, buffer_size):
        return self

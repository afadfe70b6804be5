"""Data in: arrays, generators and other iterables become a stream of (x, y, sample_weight)
batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from unidl import random, tree
from unidl.backend.foreign_arrays import as_array, holds_gaps, offers_array
from unidl.ops.dispatch import owner_of
from unidl.training import arguments, fetched
from unidl.training.ahead import Ahead

DEFAULT_BATCH = 32

PARTS = ("x", "y", "sample_weight")
_WHOLE_BATCHES = (
    " An iterable yields whole batches: where its items are single samples, stack some of them."
)
_STEPS = {"fit": "steps_per_epoch", "fit(validation_data=)": "validation_steps"}


def make_batches(x, y, sample_weight, batch_size, shuffle, class_weight, steps, caller):
    """The source of batches for whatever was given to fit, evaluate or predict."""
    if x is None:
        raise ValueError(
            f"{caller}: no data. Give arrays, x=..., y=..., or an iterable of batches."
        )
    steps = arguments.whole_or_none(caller, _STEPS.get(caller, "steps"), steps)
    batch_size = arguments.whole_or_none(caller, "batch_size", batch_size)
    class_weight = arguments.class_weights(caller, class_weight)
    x, y, sample_weight = (_columns(part, y is not None) for part in (x, y, sample_weight))
    if _is_arrays(x):
        return ArrayBatches(
            x, y, sample_weight, batch_size or DEFAULT_BATCH, shuffle, class_weight, steps, caller
        )
    leaves = tree.flatten(x)
    if isinstance(x, list | tuple | dict) and any(leaf is None for leaf in leaves):
        raise ValueError(
            f"{caller}: x holds None beside {len(leaves) - 1} other parts. Each input of the model "
            "is an array, or None for one made with Input(..., optional=True)."
        )
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"{caller}: {name}= goes with arrays; an iterable yields batches (x, y) or (x, y, "
                "sample_weight) itself."
            )
    return IterableBatches(x, shuffle, class_weight, steps, caller)


def one_batch(x, y, sample_weight, class_weight, caller):
    """All of some arrays as a single batch."""
    size = rows_of(x, caller)
    return make_batches(x, y, sample_weight, size, False, class_weight, None, caller)


def rows_of(x, caller):
    """How many rows the arrays `x` have."""
    leaves = tree.flatten(x, is_leaf=_is_list_of_numbers)
    first = next((leaf for leaf in leaves if leaf is not None), None)
    if isinstance(first, list):
        return len(first)
    if not _is_array(first):
        raise TypeError(
            f"{caller}: x must be the arrays of one batch, got "
            f"{'nothing' if first is None else type(first).__name__}."
        )
    if not hasattr(first, "shape"):
        first = _to_array(first, f"{caller}: x")
    if not getattr(first, "shape", ()):
        raise ValueError(f"{caller}: x is a single number; data has a first axis of samples.")
    if not len(first):
        raise ValueError(f"{caller}: there are no rows in x. Leave empty batches out.")
    return len(first)


def unpack(data):
    """(x, y, sample_weight) of validation data, or of a batch that a user's iterable yields."""
    if data is None or (isinstance(data, tuple) and not 1 <= len(data) <= 3):
        found = "None" if data is None else f"a tuple of {len(data)}"
        raise ValueError(
            f"x, (x, y) or (x, y, sample_weight) is expected, got {found}. Several inputs are a "
            "list or a dict within: ([x1, x2], y)."
        )
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
    if not _is_arrays(x):
        raise ValueError(
            "fit: validation_split needs arrays. For an iterable give validation_data=."
        )
    arrays = _to_arrays((x, y, sample_weight), "fit")
    count = common_length(arrays, "fit")
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
        self._steps, self.caller = steps, caller
        self._current = self._sample = None
        self._begun, self._taken, self._done = None, 0, 0

    def sample(self):
        """The first batch, looked at before the first epoch."""
        if self._sample is None:
            self._sample = self._first()
        return self._sample

    def __iter__(self):
        """One batch at a time."""
        return (batch for _, batch in self.chunks(lambda: 1))

    def chunks(self, most, whole=False):
        """(count, batch) for each launch of an epoch: one batch, or `count` equal ones stacked
        along a new first axis.

        `most()` is asked before each how many it may hold. One holds as many if it is to be
        `whole`, else it does not wait for batches that are still being made.
        """
        if self._steps is None:
            is_new = self._current is None
            self._current = self._current or self._begin()
            self._current.allow(None)
            while (chunk := self._take(most(), whole)) is not None:
                is_new = False
                yield chunk
            self._end_pass()
            if is_new:
                raise self._nothing_left()
            return
        if self._current is None or self.caller != "fit":
            self._current = self._begin()
        taken, self._done = self._done, 0
        self._current.allow(self._steps - taken)
        while taken < self._steps:
            wanted = min(most(), self._steps - taken)
            chunk = self._take(wanted, whole)
            if chunk is None:
                self._current = self._begin()
                self._current.allow(self._steps - taken)
                chunk = self._take(wanted, whole)
            if chunk is None:
                raise ValueError(
                    f"{self.caller}: the iterator ended after {taken} of {self._steps} batches. "
                    f"Make it endless (while True), or ask for fewer steps or epochs."
                )
            taken += chunk[0]
            yield chunk

    _goes_on = False  # whether a new pass goes on with what the last one left

    def close(self):
        """End the running pass, and whatever makes its batches."""
        self._end_pass()

    def _end_pass(self):
        current, self._current = self._current, None
        if current is not None:
            current.close()

    def _begin(self):
        self._end_pass()
        if not self._goes_on:
            self._begun, self._taken = random.get_global_state(), 0
        return self._pass()

    def _take(self, most, whole=False):
        chunk = self._current.take(most, whole)
        self._taken += 0 if chunk is None else chunk[0]
        return chunk

    def place(self):
        """How far the running pass is, JSON-ready, for `go_to`; None between two passes."""
        if self._current is None:
            return None
        return {"random": self._begun, "taken": self._taken}

    def go_to(self, place, done):
        """Begin the pass of `place` again, in its order, and go through what was taken of it, of
        the next epoch `done` batches."""
        if place is None:
            return
        self._done = done
        now = random.get_global_state()
        if place["random"] is not None:
            random.set_global_state(place["random"])
        self._current = self._begin()
        self._current.allow(place["taken"])
        while self._taken < place["taken"]:
            if self._take(1) is None:
                raise ValueError(
                    f"{self.caller}: the data ended after {self._taken} batches, and the run that "
                    f"is to go on had used {place['taken']}. Give the same data as then."
                )
        random.set_global_state(now)

    def _nothing_left(self):
        """The error for a pass without a batch."""
        return ValueError(f"{self.caller}: the data has no batch.")


class ArrayBatches(Batches):
    """Batches from arrays in memory or mapped from disk.

    Attributes:
        count: batches in an epoch.
        arrays: (x, y, sample_weight) as NumPy arrays in their structure.
    """

    def __init__(self, x, y, sample_weight, batch_size, shuffle, class_weight, steps, caller):
        self.arrays = x, y, sample_weight = _to_arrays((x, y, sample_weight), caller)
        self.size = common_length(self.arrays, caller)
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


class IterableBatches(Batches):
    """Batches from a generator, a loader, or an object with `__len__` and `__getitem__`."""

    arrays = None

    def __init__(self, source, shuffle, class_weight, steps, caller):
        self._source, self._shuffle, self._class_weight = source, shuffle, class_weight
        self._indexed = fetched.is_indexed(source)
        self._fetcher = fetched.Fetcher(source) if self._indexed else None
        batched = self._indexed or hasattr(source, "__iter__")
        if not batched or isinstance(source, str | bytes | dict):
            raise TypeError(
                f"{caller}: cannot take batches from a {type(source).__name__}. Give arrays, or an "
                "iterable that yields (x, y) batches."
            )
        self.count = _length(source, caller) if steps is None else steps
        # What each batch is held against, once there is a model: check(number, batch).
        self.check = lambda number, batch: None
        # Only x counts where there are no targets to compare with.
        self._only_x = caller == "predict"
        # () -> the layers of the model that gets the batches.
        self.parts = tuple
        self._alone = False
        # A generator is used up as it goes, so one iterator serves all epochs; what is looked at
        # first is put back.
        self._running = (
            enumerate(source, 1) if not self._indexed and iter(source) is source else None
        )
        super().__init__(steps, caller)
        self._goes_on = self._running is not None

    def _first(self):
        items = self._running or enumerate(self._to_look_at(), 1)
        looked_at = Ahead(items, self.parts, thread="never")
        first = looked_at.next()
        self._alone = looked_at.alone
        if self._running is not None and first is not None:
            self._running = itertools.chain([first], self._running)
        if first is None:
            raise ValueError(
                f"{self.caller}: the iterable has no batch. A generator or iterator can be gone "
                "through once: make a new one for each call."
            )
        return self._batch(first)

    def _pass(self):
        if not self._indexed:
            items, close = self._running, None
            if items is None:  # not the user's own, who may use it further
                items = iter(self._source)
                items, close = enumerate(items, 1), getattr(items, "close", None)
            made = Ahead(self._numbered(items), self.parts, close=close, alone=self._alone)
            return _IterablePass(made, self._checked)
        self._tell("on_epoch_begin")
        made = self._fetcher.one_pass(self._order(), self.parts, self._numbered, self._alone)
        return _IterablePass(made, self._checked, lambda: self._tell("on_epoch_end"))

    def _to_look_at(self):
        if not self._indexed:
            return self._source
        return () if fetched.count_of(self._source) == 0 else [self._source[0]]

    def close(self):
        super().close()
        if self._indexed:
            self._fetcher.close()

    def _numbered(self, items):
        """((number, batch), ...)"""
        return ((numbered[0], self._batch(numbered)) for numbered in items)

    def _order(self):
        """The numbers of the items in the order of this pass."""
        count = fetched.count_of(self._source)
        if count is None:
            return itertools.count()
        return map(int, random.permutation(count)) if self._shuffle else iter(range(count))

    def _tell(self, hook):
        if hasattr(self._source, hook):
            getattr(self._source, hook)()

    def _checked(self, numbered):
        self.check(*numbered)
        return numbered[1]

    def _batch(self, numbered):
        number, item = numbered
        if not _is_plain_pair(item):
            where = f"{self.caller}: batch {number}"
            try:
                x, y, sample_weight = unpack(item)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
            if self._only_x:
                y = sample_weight = None
            if x is None:
                raise ValueError(f"{where}: its x is None.")
            x, y, sample_weight = _to_arrays((x, y, sample_weight), where)
        else:
            (x, y), sample_weight = item, None
            if self._only_x:
                y = None
        if self._class_weight is not None:
            sample_weight = _weights_of_classes(y, sample_weight, self._class_weight)
        return x, y, sample_weight

    def _nothing_left(self):
        if self._running is None:
            return ValueError(f"{self.caller}: the iterable has no batch.")
        name = _STEPS.get(self.caller, "steps")
        return ValueError(
            f"{self.caller}: the iterator is used up, and there is no batch for a further epoch. "
            f"A generator can be gone through once: make it endless (while True) and give {name}=, "
            f"or give an object that begins anew: arrays, a unidl.utils.PyDataset, or a class with "
            f"__iter__."
        )


def _is_plain_pair(item):
    """Whether `item` is (x, y) in two arrays of numbers, the case that should be quick."""
    return (
        type(item) is tuple
        and len(item) == 2
        and type(item[0]) is np.ndarray
        and type(item[1]) is np.ndarray
        and item[0].dtype.kind in "biuf"
        and item[1].dtype.kind in "biuf"
    )


def _length(source, caller):
    """How many batches `source` has, None if that is unknown."""
    if not hasattr(source, "__len__"):
        return None
    try:
        return fetched.count_of(source) if fetched.is_indexed(source) else len(source)
    except TypeError as error:  # what data sets raise whose length is unknown, or which never end
        if "infinite" not in str(error):
            return None
        raise ValueError(
            f"{caller}: the data has no end. Say how many batches to take: "
            f"{_STEPS.get(caller, 'steps')}=100."
        ) from None


class _IterablePass:
    """One pass over batches (x, y, sample_weight) as they come.

    Args:
        made: an `Ahead` of (number, batch).
        check: (number, batch) -> batch, if it is as it should be.
        at_end: called when the data has ended.
    """

    def __init__(self, made, check, at_end=lambda: None):
        self._made, self._check, self._at_end = made, check, at_end
        self._held = self._error = None
        self.allow, self.close = made.allow, made.close

    def take(self, most, whole=False):
        """The next (count, batch), at most `most` batches; None at the end. A batch of another
        form, and an error, wait for the next call."""
        first = self._next()
        if first is None or most == 1:
            return None if first is None else (1, first)
        equal, form = [first], _form(first)
        if whole:
            self._made.want(most)
        while len(equal) < most and (whole or self._made.has_next()):
            try:
                batch = self._next()
            except Exception as error:  # noqa: BLE001  those before it come first
                self._error = error
                break
            if batch is None:
                break
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
        error, self._error = self._error, None
        if error is not None:
            raise error
        if batch is not None:
            return batch
        numbered = self._made.next()
        if numbered is None:
            at_end, self._at_end = self._at_end, lambda: None
            at_end()
            return None
        return self._check(numbered)


def is_pair(batch):
    """Whether the batch is one array x and one array y."""
    x, y, sample_weight = batch
    return sample_weight is None and type(x) is np.ndarray and type(y) is np.ndarray


def _form(batch):
    """Structure, shapes and dtypes."""
    if is_pair(batch):
        x, y, _ = batch
        return x.shape, x.dtype, y.shape, y.dtype
    return [
        (path, leaf if leaf is None else (leaf.shape, leaf.dtype))
        for path, leaf in tree.flatten_with_path(batch)
    ]


def _is_arrays(x):
    leaves = [leaf for leaf in tree.flatten(x) if leaf is not None]  # of an optional input
    return bool(leaves) and all(_is_array(leaf) for leaf in leaves)


def _is_array(leaf):
    return (
        isinstance(leaf, int | float | bool | np.generic)
        or (hasattr(leaf, "shape") and hasattr(leaf, "dtype"))
        or offers_array(leaf)
    )


def _columns(structure, beside_targets):
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
        return _is_list_of_numbers([first]) or (beside_targets and offers_array(first))

    return tree.map_structure(
        lambda leaf: leaf[:] if is_column(leaf) else leaf, structure, none_is_leaf=False
    )


def _to_arrays(batch, where):
    """(x, y, sample_weight) with every leaf as NumPy array: tensors of any framework, tables, and
    lists of numbers too. `where` begins the messages."""
    return tuple(
        tree.map_structure(
            lambda leaf, part=part: _to_array(leaf, f"{where}: {part}"),
            structure,
            none_is_leaf=False,
            is_leaf=_is_list_of_numbers,
        )
        for part, structure in zip(PARTS, batch, strict=True)
    )


def _to_array(leaf, where):
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
                f"{where} has entries that are missing, and a tensor has no gaps. Fill them, or "
                "leave those rows out."
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


def _is_list_of_numbers(structure):
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
            f"{where}: a list of data must have rows of one length, as an array has. Pad the "
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
                        f"{who}{name} is a single number; data has a first axis of samples."
                        f"{'' if caller else _WHOLE_BATCHES}"
                    )
                lengths.setdefault(len(leaf), name)
    if len(lengths) > 1:
        listing = ", ".join(f"{name} has {length}" for length, name in lengths.items())
        raise ValueError(
            f"{who}the arrays differ in their number of samples: {listing}. Each sample needs "
            "its entry in all of them."
        )
    if not lengths:
        raise ValueError(f"{who}there is no array in the data.")
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

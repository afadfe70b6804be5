"""Batches that something else makes: a generator, a loader, a data set with numbered batches."""

from __future__ import annotations

import itertools

import numpy as np

from unidl import random, tree
from unidl.training import fetched
from unidl.training.ahead import Ahead
from unidl.training.batches import STEPS, Batches
from unidl.training.host_batch import form_of, to_arrays, unpack, weights_of_classes


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
                f"{self.caller}: the iterable yields no batch. A generator or iterator can be "
                "consumed only once: create a new one for each call."
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
            x, y, sample_weight = to_arrays((x, y, sample_weight), where)
        else:
            (x, y), sample_weight = item, None
            if self._only_x:
                y = None
        if self._class_weight is not None:
            sample_weight = weights_of_classes(y, sample_weight, self._class_weight)
        return x, y, sample_weight

    def _nothing_left(self):
        if self._running is None:
            return ValueError(f"{self.caller}: the iterable yields no batch.")
        name = STEPS.get(self.caller, "steps")
        return ValueError(
            f"{self.caller}: the iterator is exhausted, and there is no batch for another epoch. A "
            f"generator can be consumed only once: make it endless (while True) and give {name}=, "
            "or give an object that can be iterated again: arrays, a unidl.utils.PyDataset, or a "
            "class with __iter__."
        )


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
        equal, form = [first], form_of(first)
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
            if form_of(batch) != form:
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
            f"{caller}: the data is endless. Say how many batches to take: "
            f"{STEPS.get(caller, 'steps')}=100."
        ) from None

"""An epoch of batches, from whatever source."""

from __future__ import annotations

from unidl import random

STEPS = {"fit": "steps_per_epoch", "fit(validation_data=)": "validation_steps"}


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
                    "Make it endless (while True), or use fewer steps or epochs."
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
                    f"{self.caller}: the data ended after {self._taken} batches, but the run to be "
                    f"resumed had used {place['taken']}. Give the same data as in that run."
                )
        random.set_global_state(now)

    def _nothing_left(self):
        """The error for a pass without a batch."""
        return ValueError(f"{self.caller}: the data contains no batch.")

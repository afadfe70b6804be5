"""What the host hands to every run of a compiled function: random keys, and the numbers that change
from step to step.

A random function asks its generator for the next key, an optimizer asks for its learning rate or
bias correction. Outside a trace the answer is a pair of ints, or a float. Inside one it becomes row
i of an input of the traced function, and before each run the same sources are asked again on the
host, in the same order. So eager and compiled runs use the same values, the state of all randomness
is a few host integers, and factors such as beta**t are computed once in float64 for all backends.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from unidl.backend.frame import changed, current


class KeyFeed:
    """The host values of one traced function."""

    def __init__(self):
        self._generators = []
        self._numbers = []
        self._key_of_row = None
        self._number_of_row = None

    @contextmanager
    def tracing(self, key_of_row, number_of_row):
        """A context in which key i is `key_of_row(i)`, in whatever form the adapter's `random_bits`
        takes, and number i is `number_of_row(i)`, a 0-d float tensor (of `floatx` or wider, which
        the functions of `updates` cast)."""
        self._generators, self._numbers = [], []
        self._key_of_row, self._number_of_row = key_of_row, number_of_row
        try:
            with changed(feed=self):
                yield self
        finally:
            self._key_of_row = self._number_of_row = None

    def take_key(self, generator):
        self._generators.append(generator)
        return self._key_of_row(len(self._generators) - 1)

    def take_number(self, source):
        self._numbers.append(source)
        return self._number_of_row(len(self._numbers) - 1)

    def drawn(self) -> tuple[int, int]:
        """How many keys and numbers the trace has asked for up to now."""
        return len(self._generators), len(self._numbers)

    def keys(self) -> list:
        """The next run's keys, pairs of ints; advances the generators."""
        return [generator.advance() for generator in self._generators]

    def numbers(self) -> list:
        """The next run's numbers, floats."""
        return [source() for source in self._numbers]

    def draw(self) -> np.ndarray:
        """`keys` as int64 (keys, 2)."""
        rows = self.keys()
        return np.array(rows, dtype="int64").reshape(len(rows), 2)

    def draw_numbers(self) -> np.ndarray:
        """`numbers` as float64 (numbers,)."""
        return np.array(self.numbers(), dtype="float64")


def next_key(generator):
    """The next key of `generator`, an object whose `advance()` returns a pair of ints and moves on
    by one."""
    frame = current()

    def draw():
        if frame.feed is None or (
            frame.stateless is not None and frame.stateless.holds(generator.state)
        ):
            return generator.advance()
        return frame.feed.take_key(generator)

    return draw() if frame.draws is None else frame.draws.take(draw)


def next_number(source):
    """The number that `source()` gives at this run: a Python float, or a 0-d tensor inside a
    trace."""
    frame = current()

    def draw():
        if frame.feed is None:
            return source()
        if frame.stateless is not None and frame.stateless.has_numbers:
            return source()  # of the state that the scope was given, and not of the next run's
        return frame.feed.take_number(source)

    return draw() if frame.draws is None else frame.draws.take(draw)

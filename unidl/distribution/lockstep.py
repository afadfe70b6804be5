"""Virtual processes: functions that run in one process as if each had a process of its own.

They take turns. One runs until it asks for a sum over all, then the next one does; when the last
one has asked, the sum is made, and the first one goes on. So nothing runs at the same time, and all
are told the same as if they waited for each other in processes of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import numpy as np

from unidl.backend.errors import JoinError


class _Stopped(Exception):
    """Another one has failed, whose error is told."""


class Lockstep:
    """Runs `count` functions in turns.

    Args:
        count: how many.
        total: total(arrays), of an array from each of the functions, is what they all get.
    """

    def __init__(self, count: int, total: Callable[[list[np.ndarray]], np.ndarray]) -> None:
        self._count, self._total = count, total
        self._changed = threading.Condition()
        # Threads are kept: a framework holds state for each.
        self._pool = ThreadPoolExecutor(count, "unidl-shard")
        self._begin()

    def _begin(self) -> None:
        self._turn, self._sums, self._failed = 0, 0, False
        self._given: list[np.ndarray] = []
        self._sum: Any = None

    def run(self, functions: Sequence[Callable[[], Any]]) -> list[Any]:
        """[what each gives], of as many functions as there are. The first error is raised."""
        self._begin()
        running = [
            self._pool.submit(copy_context().run, self._one, place, function)
            for place, function in enumerate(functions)
        ]
        errors = [error for one in running if (error := one.exception()) is not None]
        for error in errors:
            if not isinstance(error, _Stopped):
                raise error
        return [one.result() for one in running]

    def _one(self, place: int, function: Callable[[], Any]) -> Any:
        try:
            with self._changed:
                self._wait(lambda: self._turn == place)
            found = function()
            with self._changed:
                if self._given:
                    raise JoinError(
                        "The virtual shards of a batch do not do the same: one has ended while "
                        "another asks for a sum. What a step does must not depend on the numbers "
                        "of its own rows."
                    )
                self._pass_on(place)
            return found
        except BaseException:
            with self._changed:
                self._failed = True
                self._changed.notify_all()
            raise

    def sum(self, place: int, array: np.ndarray) -> np.ndarray:
        """The sum of what all have given, asked for by function number `place`."""
        with self._changed:
            seen = self._sums
            self._given.append(array)
            if len(self._given) == self._count:
                self._sum, self._given = self._total(self._given), []
                self._sums += 1
            self._pass_on(place)
            self._wait(lambda: self._sums > seen and self._turn == place)
            return self._sum

    def _pass_on(self, place: int) -> None:
        self._turn = (place + 1) % self._count
        self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._failed or ready())
        if self._failed:
            raise _Stopped


def tree_sum(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The sum of neighbours, of neighbours of these, and so on: of 2**n parts it has the same bits
    whoever adds which of them."""
    left = list(parts)
    while len(left) > 1:
        pairs = [a + b for a, b in zip(left[::2], left[1::2], strict=False)]
        left = pairs + left[len(pairs) * 2 :]
    return left[0]

"""Exact mode: a batch is cut into shards of a fixed number, whatever the number of processes.

Each shard is computed by itself, in shapes that do not depend on the processes, and all that is
summed over the batch is summed over the shards in one fixed tree. So the bits of a run are the same
in 1, 2, 4 and 8 processes. (Cutting work into virtual workers whose number the hardware does not
change: Li et al., "EasyScale", SC 2023.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from unidl.backend.context import holding
from unidl.backend.stateless_scope import StatelessScope
from unidl.distribution.active import all_gather
from unidl.distribution.lockstep import Lockstep, tree_sum
from unidl.tracing.rows import Rows, own_rows


class Shards:
    """The shards that this process computes.

    Args:
        count: how many it has.
        first: the number of its first one.
        total: how many there are in all processes.
    """

    def __init__(self, count: int, first: int, total: int) -> None:
        self.count, self._first, self._total = count, first, total
        self._lockstep = Lockstep(count, self._sum)
        # What each shard has counted, as host arrays, of which the metric's Variable has the sum.
        self._counted: WeakKeyDictionary[Any, list[np.ndarray]] = WeakKeyDictionary()

    def rows(self, size: int) -> list[Rows]:
        """Those of a batch of `size` that each of the shards computes."""
        numbers = range(self._first, self._first + self.count)
        return [
            Rows.of(size, n, self._total)._replace(reduce=_Reduce(self._lockstep, place))
            for place, n in enumerate(numbers)
        ]

    def run(
        self,
        function: Callable[..., Any],
        tensors: list[list[Any]],
        rows: list[Rows],
        counting: list[Any],
    ) -> list[Any]:
        """[function(*tensors of a shard)] for each.

        Variables and random generators end as the first shard leaves them, which is as they all do;
        of `counting`, Variables of metrics, each shard goes on from its own.
        """
        counted = {variable: self.counts(variable) for variable in counting}

        def one(place: int) -> Any:
            values = [(v, counted[v][place]) for v in counting]
            with holding(own_rows, rows[place]), StatelessScope(values) as scope:
                return function(*tensors[place]), scope

        found = self._lockstep.run([partial(one, place) for place in range(self.count)])
        scopes = [scope for _, scope in found]
        scopes[0].put_into_place()
        for variable in counting:
            for place, scope in enumerate(scopes):
                # Rows that all shards compute count once.
                if rows[place].alike == 1 or self._first + place == 0:
                    value = scope.get_current_value(variable)
                    counted[variable][place] = variable.backend.to_numpy(value)
            variable.assign(tree_sum(counted[variable]))
            self._counted[variable] = counted[variable]
        return [result for result, _ in found]

    def counts(self, variable: Any) -> list[np.ndarray]:
        """What each shard has counted in a metric's Variable."""
        counts, held = self._counted.get(variable), variable.own_numpy()
        if counts is not None and np.array_equal(tree_sum(counts), held, equal_nan=True):
            return counts
        return [held] * self.count  # somebody has reset it

    def forget_counts(self) -> None:
        """Metrics have been reset."""
        self._counted.clear()

    def counted(self, variable: Any) -> np.ndarray:
        """What the shards of all processes have counted."""
        return self._sum(self.counts(variable))

    def _sum(self, own: list[np.ndarray]) -> np.ndarray:
        """The sum over the shards of all processes."""
        return tree_sum([part for parts in all_gather(np.stack(own)) for part in parts])


class _Reduce:
    """The sum over all shards, for one of them, with gradients."""

    def __init__(self, lockstep: Lockstep, place: int) -> None:
        self._lockstep, self._place = lockstep, place

    def __call__(self, backend: Any, x: Any) -> Any:
        def summed(x: Any) -> list[Any]:
            total = self._lockstep.sum(self._place, backend.to_numpy(x))
            return [backend.asarray(total, backend.dtype(x))]

        def with_gradient(x: Any) -> tuple[list[Any], Any]:
            return summed(x), summed

        return backend.custom_gradient(with_gradient, [x])[0]

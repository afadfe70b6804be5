"""Which rows of a batch are this process' own, and what follows for sums and means.

While a step runs under `DataParallel`, each process computes its own rows of the global batch. What
is minimised is the sum of the processes' losses, so that a mean over its rows counts as much as it
has rows, and what all rows have in common (moments, sums of weights) is summed over the processes.

The shares are numbers that the host feeds to each run (`tracing.feed`), so that the last batch of
an epoch, which is split in another way, needs no program of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from unidl.backend.contract.random import MASK


class Rows(NamedTuple):
    """Rows `begin` to `end` of a batch of `total`.

    `alike` processes compute the same rows, of a batch with fewer rows than there are processes:
    all of its rows, in each of them. `reduce(backend, x)` sums over all; None for what the backend
    has for that.
    """

    begin: int
    end: int
    total: int
    alike: int = 1
    reduce: Callable[[Any, Any], Any] | None = None

    @property
    def size(self) -> int:
        return self.end - self.begin

    @classmethod
    def of(cls, total: int, number: int, processes: int) -> Rows:
        """Those of process `number`."""
        if total < processes:
            return cls(0, total, total, processes)
        return cls(number * total // processes, (number + 1) * total // processes, total)

    @property
    def of_mean(self) -> float:
        """By what a mean over these rows counts in that over all rows."""
        return self.size / self.total / self.alike


own_rows: ContextVar[Rows | None] = ContextVar("unidl_rows", default=None)
current_rows = own_rows.get


def _now() -> Rows:
    rows = own_rows.get()
    assert rows is not None, "asked for only while a step runs on rows of its own"
    return rows


def share_of_mean(mean: Any) -> Any:
    """What `mean`, one over these rows alone, contributes to that over all rows."""
    return mean if own_rows.get() is None else _times(mean, lambda: _now().of_mean)


def share_of_sum(total: Any) -> Any:
    """What `total`, a sum over these rows, contributes to that over all rows."""
    return total if own_rows.get() is None else _times(total, lambda: 1 / _now().alike)


def from_share(part: Any) -> Any:
    """The number of which `part` would be the `share_of_mean`."""
    return part if own_rows.get() is None else _times(part, lambda: 1 / _now().of_mean)


def _times(x: Any, source: Any) -> Any:
    from unidl import ops
    from unidl.tracing.feed import next_number

    return ops.multiply(x, ops.cast(next_number(source), ops.dtype(x)))


def whole_sum(x: Any) -> Any:
    """The sum of the tensor `x` over all processes, with gradients."""
    if own_rows.get() is None:
        return x
    from unidl.ops.dispatch import tensor_of

    backend, x = tensor_of(x)
    with backend.scope():
        return all_reduce(backend, x)


def all_reduce(backend: Any, x: Any) -> Any:
    """`whole_sum` of a native tensor, while a step runs on rows of its own."""
    reduce = _now().reduce
    return backend.all_reduce(x) if reduce is None else reduce(backend, x)


def whole_mean(mean: Any) -> Any:
    """The mean over all rows, of which `mean` is that over these."""
    return whole_sum(share_of_mean(mean))


def everywhere(backend: Any, flag: Any) -> Any:
    """Whether the bool tensor `flag` is true in all processes."""
    if own_rows.get() is None:
        return flag
    missing = backend.cast(backend.equal(flag, False), "float32")
    return backend.equal(all_reduce(backend, missing), 0.0)


class RowKeys:
    """The keys of a generator for a draw of which these rows are a part.

    Element i of a draw is a hash of i plus a word of the key, so the key of a part of it has the
    number of the part's first element added to that word.

    Args:
        generator: gives keys by `advance()`.
        per_row: elements in a row.
        parts: how many tensors of the shape are drawn one after the other.
    """

    def __init__(self, generator: Any, per_row: int, parts: int = 1) -> None:
        self._generator, self._per_row, self._parts = generator, per_row, parts
        self._key: Any = None

    def sources(self) -> list[Any]:
        """For each part an object whose `advance()` gives its key."""
        return [_Part(self, i) for i in range(self._parts)]


class _Part:
    def __init__(self, keys: RowKeys, number: int) -> None:
        self._keys, self._number = keys, number

    @property
    def state(self) -> Any:
        return self._keys._generator.state

    def advance(self) -> tuple[int, int]:
        keys = self._keys
        if self._number == 0:
            keys._key = keys._generator.advance()
        first, second = keys._key
        rows = _now()
        before = (self._number * rows.total + rows.begin) * keys._per_row
        return (first + before) & MASK, second

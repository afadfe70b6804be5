"""Gradients that are added up over several steps: each process keeps its own sum, and they are sent
when an update uses them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from unidl.distribution.active import is_first_process, sum_of
from unidl.tracing.rows import current_rows

# 1.0 or 0.0 while a step runs of which the trainer knows whether it updates, so that one which does
# not sends nothing, compiled or not.
known_update: ContextVar[float | None] = ContextVar("unidl_known_update", default=None)


def sums_later() -> bool:
    """Whether processes add up their own gradients. Virtual shards do not: what each of them would
    keep depends on the number of processes."""
    rows = current_rows()
    return rows is not None and rows.reduce is None


def begin_accumulating(optimizers: list[Any]) -> None:
    """Before an epoch: what has been added up before, and is in all processes if it was read from a
    file, counts once."""
    if not is_first_process():
        for variable in _accumulators(optimizers):
            variable.assign(np.zeros_like(variable.numpy()))


def gather_accumulated(optimizers: list[Any]) -> None:
    """After an epoch: the first process, which writes files, has the sums of all."""
    for variable in _accumulators(optimizers):
        total = sum_of(variable)
        variable.assign(total if is_first_process() else np.zeros_like(total))


def _accumulators(optimizers: list[Any]) -> list[Any]:
    return [variable for optimizer in optimizers for variable in optimizer.accumulators]

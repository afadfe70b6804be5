"""How large the weights may be that are made now: while a file is read, no larger than what it can
hold, since a config of a few bytes may ask for all memory."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding

_left: ContextVar[list[int] | None] = ContextVar("unidl_weight_limit", default=None)


def at_most(numbers: int) -> AbstractContextManager[Any]:
    """Inside, layers make weights of so many numbers in all."""
    return holding(_left, [numbers])


def count(who: str, shape: Any) -> None:
    """A ValueError if a weight of this shape is more than may be made."""
    left = _left.get()
    if left is not None:
        left[0] -= math.prod(shape)
        if left[0] < 0:
            raise ValueError(
                f"{who} requests a weight of shape {tuple(shape)}, more than the file can hold."
            )

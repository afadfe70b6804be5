"""What holds for the code that runs in a block, in this thread or task alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def holding(variable: ContextVar[T], value: T) -> Iterator[T]:
    """`with holding(variable, value):` the context variable has this value inside."""
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)

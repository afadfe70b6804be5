"""Weights whose first numbers nobody sees: those of a model that is read or brought in come from
elsewhere, and to draw a large one takes longer than to read it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding
from unidl.initializers import Zeros
from unidl.initializers.random import RandomInitializer

_undrawn: ContextVar[bool] = ContextVar("unidl_undrawn", default=False)


def undrawn() -> AbstractContextManager[Any]:
    """Inside, what would be drawn is zero: every weight must get its numbers afterwards."""
    return holding(_undrawn, True)


def initializer_now(initializer: Any) -> Any:
    """`initializer`, or zeros where nobody sees what it draws."""
    return Zeros() if _undrawn.get() and isinstance(initializer, RandomInitializer) else initializer

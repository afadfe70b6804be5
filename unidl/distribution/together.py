"""Work that the processes of a run do together, of which none goes on when one has failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from unidl.backend.errors import JoinError
from unidl.distribution.active import gather_json

_Found = TypeVar("_Found")


def together(who: str, work: Callable[[], _Found]) -> _Found:
    """What `work()` returns here, when it has ended in all processes; an error of one is an error
    in each, so that nobody waits for it later."""
    try:
        found, error = work(), None
    except Exception as problem:  # noqa: BLE001 - raised below, when the others know of it
        error = problem
    told = gather_json(error and f"{type(error).__name__}: {error}")
    if error is not None:
        raise error
    for number, text in enumerate(told):
        if text is not None:
            raise JoinError(f"{who}: process {number} has failed, {text}")
    return found

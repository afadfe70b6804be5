"""What a thread that makes batches ahead of a step must not do before its turn: use the model that
is trained, or draw from the global random numbers.

It then waits until all batches made before have been used, and so finds what it would have found
had there been no thread. Without a thread it is noted, and no two such batches go into one launch.
"""

from __future__ import annotations

import threading
from typing import Any


class _Here(threading.local):
    maker: Any = None


_here = _Here()


class made_for:
    """`with made_for(maker):` what happens inside makes a batch for `maker`, an
    `training.ahead.Ahead`. A class, since it is entered for each batch."""

    def __init__(self, maker: Any) -> None:
        self._maker = maker

    def __enter__(self) -> None:
        self._outer, _here.maker = _here.maker, self._maker

    def __exit__(self, *error: object) -> None:
        _here.maker = self._outer


def wait() -> None:
    """Return when it is this thread's turn, at once in all others."""
    maker = _here.maker
    if maker is not None:
        maker.wait_for_turn()


def wait_to_call(layer: Any) -> None:
    """Like `wait`, if `layer` is a part of the model that gets the batches."""
    maker = _here.maker
    if maker is not None and maker.concerns(layer):
        maker.wait_for_turn()


def on_behalf_of() -> int:
    """The thread that waits for what this one does: itself, unless it makes batches."""
    maker = _here.maker
    return threading.get_ident() if maker is None else maker.consumer

"""Whether what runs now runs inside the `call` of a layer."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

# The global by which a module says which of its functions run a layer's `call`, and which its
# `build`: {function: "call" or "build"}.
MARK = "_RUNS"


def layer_in_call() -> Any:
    """The layer whose `call` runs the caller; None also in a `build` there.

    It looks through Python's stack, so that calls themselves keep no record of who is running.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        what = _what_runs(frame)
        if what is not None:
            return frame.f_locals["self"] if what == "call" else None
        frame = frame.f_back
    return None


def _what_runs(frame: FrameType) -> str | None:
    found: str | None = frame.f_globals.get(MARK, {}).get(frame.f_code.co_name)
    return found


def advice_for(owner: Any, made: str) -> str:
    """The text of the error where `made` is made in the `call` of the layer `owner`."""
    return (
        f"{owner._who()}: {made} is created inside call(), again at every call, so it would never "
        "be trained. Create layers in __init__ (and weights there or in build), keep them in "
        "attributes, and only use them in call()."
    )


def layer_that_calls_itself(error: BaseException) -> Any:
    """The layer whose calls, again and again, are those that `error` came through; or None."""
    counts: dict[int, int] = {}
    step = error.__traceback__
    while step is not None:
        frame = step.tb_frame
        if _what_runs(frame) == "call":
            layer = frame.f_locals["self"]
            counts[id(layer)] = counts.get(id(layer), 0) + 1
            if counts[id(layer)] > 10:
                return layer
        step = step.tb_next
    return None

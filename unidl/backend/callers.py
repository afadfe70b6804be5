"""Whether what runs now runs inside the `call` of a layer."""

from __future__ import annotations

import sys
from typing import Any

# The functions of `Layer` around a layer's `call`, and around its `build`.
_HOME = "unidl.layers.base.layer"
_AROUND_CALL = ("_run",)
_AROUND_BUILD = ("_build_with", "noting")


def layer_in_call(but: Any = None) -> Any:
    """The layer, other than `but`, whose `call` runs the caller; None also in a `build` there.

    It looks through Python's stack, so that calls themselves keep no record of who is running.
    """
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__") == _HOME:
            name = frame.f_code.co_name
            if name in _AROUND_BUILD and frame.f_locals["self"] is not but:
                return None
            if name in _AROUND_CALL and frame.f_locals["self"] is not but:
                return frame.f_locals["self"]
        frame = frame.f_back
    return None


def advice_for(owner: Any, made: str) -> str:
    """The text of the error where `made` is made in the `call` of the layer `owner`."""
    return (
        f"{owner._who()}: {made} is made inside call(), anew at every call, so it would never be "
        f"trained. Make layers in __init__ (and weights there or in build), keep them in "
        f"attributes, and only use them in call()."
    )


def calls_itself(layer: Any, error: BaseException) -> bool:
    """Whether the calls that `error` came through are, again and again, those of `layer`."""
    count, step = 0, error.__traceback__
    while step is not None:
        frame = step.tb_frame
        count += frame.f_code.co_name in _AROUND_CALL and frame.f_locals.get("self") is layer
        step = step.tb_next
    return count > 10

"""Things within things, as deep as Python's limit of nested calls lets them be."""

from __future__ import annotations

import sys
from typing import Any

_CALLS_A_LAYER = 20  # of Python's, for a model within a model, with all that a layer may need


class TooDeepError(ValueError):
    """Python's limit of nested calls was reached."""


def too_deep() -> TooDeepError:
    """What to raise where Python's limit of nested calls was reached."""
    return TooDeepError(
        f"Python's limit of {sys.getrecursionlimit()} nested calls was reached: layers, models or "
        "lists are nested too deeply, or one of them contains itself. Put the layers one after the "
        "other in one model, or raise the limit with sys.setrecursionlimit."
    )


def check_nesting(owner: Any, depth: int) -> None:
    """An error if models or wrappers that stand `depth` deep in each other could not be called."""
    allowed = sys.getrecursionlimit() // _CALLS_A_LAYER
    if depth > allowed:
        raise ValueError(
            f"{owner}: layers are nested {depth} deep; Python's limit of nested calls leaves room "
            f"for {allowed}. Put them into one model, one after the other, or raise the limit with "
            "sys.setrecursionlimit."
        )


def depth_below(layer: Any) -> int:
    """How deep layers stand in `layer`, 0 where it holds none; each counts where it is first met,
    so that layers may hold each other."""
    level, depth, met = [layer], -1, {id(layer)}
    while level:
        depth += 1
        below = []
        for child in (child for one in level for child in one._layers):
            if id(child) not in met:
                met.add(id(child))
                below.append(child)
        level = below
    return depth

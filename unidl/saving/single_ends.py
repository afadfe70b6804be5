"""The ends of a graph as Keras before 3.12 wrote them: a list also where the model has one input or
one output, which it takes and returns as they are."""

from __future__ import annotations

from typing import Any

_ENDS = ("input_layers", "output_layers")


def unwrapped(config: Any, version: Any) -> Any:
    """The config of a model that Keras `version` wrote, with lists of one end replaced by it."""
    return _unwrapped(config) if _is_before_12(version) else config


def _is_before_12(version: Any) -> bool:
    major, _, rest = str(version).partition(".")
    minor = rest.partition(".")[0]
    return major == "3" and minor.isdecimal() and int(minor) < 12


def _unwrapped(part: Any) -> Any:
    if isinstance(part, list):
        return [_unwrapped(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: _unwrapped(value) for key, value in part.items()}
    for end in _ENDS if all(end in part for end in _ENDS) else ():
        places = part[end]
        if isinstance(places, list) and len(places) == 1 and isinstance(places[0], list):
            found[end] = places[0]
    return found

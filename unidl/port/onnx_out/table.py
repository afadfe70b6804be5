"""Which function writes which operation of the contract.

A writer takes the `Recorder`, the spec of the result (what the shape rules say) and the operation's
arguments. It returns the name of the result in the graph, a `Laid` name, a Value, a tuple of these,
or `NotImplemented` where the contract's body has to compose the operation.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

FAMILIES = (
    "creation", "elementwise", "indexing", "networks", "order", "products", "recurrent",
    "reductions", "shaping", "windows",
)  # fmt: skip

Writer = Callable[..., Any]
_writers: dict[str, Writer] = {}


class Laid(NamedTuple):
    """A result that is in the graph with its axes in another order."""

    name: str
    axes: tuple[int, ...]


def writes(*names: str) -> Callable[[Writer], Writer]:
    """Mark the function that writes the operations `names`."""

    def mark(function: Writer) -> Writer:
        _writers.update(dict.fromkeys(names, function))
        return function

    return mark


@cache
def writers() -> dict[str, Writer]:
    for family in FAMILIES:
        importlib.import_module(f"unidl.port.onnx_out.{family}")
    return _writers

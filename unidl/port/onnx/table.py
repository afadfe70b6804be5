"""Which function imports which operator.

A handler takes the `Node` and the node's inputs (tensors of the active backend or host arrays, None
where an optional one is left out) and returns one output or a tuple of them. `node["name"]` is an
attribute, with the default of the operator's version; `node.since` is the version, by which
handlers tell the older meanings of an operator.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache

FAMILIES = (
    "activations", "attention", "control", "creation", "elementwise", "indexing", "logic", "losses",
    "normalization", "products", "recurrent", "reductions", "resizing", "sampling", "sequences",
    "shaping", "signals", "windows",
)  # fmt: skip


@dataclass(frozen=True)
class Handler:
    function: object
    # Whether it runs subgraphs, and so takes the values around it as the argument `outer`.
    scoped: bool = False


_handlers: dict[tuple[str, str], Handler] = {}


def handles(*names, domain="", scoped=False):
    """Mark the function that imports the operators `names`."""

    def mark(function):
        for name in names:
            _handlers[domain, name] = Handler(function, scoped)
        return function

    return mark


def plain(functions):
    """Operators without attributes that are one function of their inputs, by name."""
    for name, function in functions.items():
        handles(name)(lambda node, *inputs, function=function: function(*inputs))


@cache
def handlers():
    """All handlers by (domain, operator)."""
    for family in FAMILIES:
        importlib.import_module(f"unidl.port.onnx.{family}")
    return _handlers


def supported_operators() -> list[str]:
    """Names of the operators with a handler of their own. Those that ONNX itself defines by a graph
    of others work, too."""
    return sorted(f"{domain}.{name}" if domain else name for domain, name in handlers())

"""The graph that calls on symbolic tensors leave behind: nodes, and the switch that pauses
recording."""

from __future__ import annotations

import importlib

from unidl.backend.frame import changed, current
from unidl.tracing.inference import infer
from unidl.tracing.structures import flatten_tensors, map_tensors


def recording() -> bool:
    return current().records


def paused():
    """A context in which symbolic calls carry shapes alone: the inside of a layer is no part of the
    graph around it."""
    return changed(records=False)


def resumed():
    """A context in which symbolic calls are recorded, also within another layer's call: a
    Sequential connects its own layers there."""
    return changed(records=True)


class Node:
    """One call of an operation (a layer, or a function of `unidl.ops`).

    Attributes:
        operation: what is called, `operation(*args, **kwargs)`.
        args, kwargs: as given, with KerasTensors at their places, in lists and dicts too.
        inputs: the KerasTensors among them, in order.
        outputs: flat list of the KerasTensors made.
    """

    def __init__(self, operation, args, kwargs, inputs, outputs):
        self.operation = operation
        self.args, self.kwargs = args, kwargs
        self.inputs, self.outputs = inputs, outputs
        self._sign()

    def _sign(self):
        for index, tensor in enumerate(self.outputs):
            tensor.history = (self, index)

    def __setstate__(self, state):
        # A copied tensor has no history, or a copy would go down the whole chain of nodes at once.
        vars(self).update(state)
        self._sign()


class FunctionCall:
    """A function of `unidl.ops` as an operation of the graph; counts as a layer without weights."""

    def __init__(self, function, name):
        self.function = function
        self.name = name

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def __reduce__(self):
        return _call_of, (self.function.__module__, self.function.__name__, self.name)


def _call_of(module, function, name):
    """The FunctionCall of a function that `@op` wraps in its module."""
    return FunctionCall(getattr(importlib.import_module(module), function).__wrapped__, name)


def record_call(function, args, kwargs):
    """Outputs of a public function on symbolic arguments, as a new node unless recording is
    paused."""
    if not recording():
        return function(*args, **kwargs)
    with paused():
        result = infer(
            function.__name__, lambda given: function(*given[0], **given[1]), (args, kwargs)
        )
    from unidl.utils.naming import auto_name

    Node(
        FunctionCall(function, auto_name(function.__name__)),
        args,
        kwargs,
        flatten_tensors((args, kwargs)),
        flatten_tensors(result),
    )
    return result


__all__ = [
    "FunctionCall",
    "Node",
    "flatten_tensors",
    "map_tensors",
    "paused",
    "record_call",
    "recording",
    "resumed",
]

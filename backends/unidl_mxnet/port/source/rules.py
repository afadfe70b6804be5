"""The table of layers that Gluon has, and what its rules share."""

from __future__ import annotations

from typing import Any

from unidl import activations, layers
from unidl.port.source import rules
from unidl_mxnet.port.source.functions import FUNCTIONS, of_two

RULES: dict[type, Any] = {
    layers.Add: lambda m, call: _in_turn(call, "+"),
    layers.Subtract: lambda m, call: _in_turn(call, "-"),
    layers.Multiply: lambda m, call: _in_turn(call, "*"),
    layers.Maximum: lambda m, call: _in_turn(call, "F.maximum"),
    layers.Minimum: lambda m, call: _in_turn(call, "F.minimum"),
    layers.Average: lambda m, call: f"({_in_turn(call, '+')}) / {len(call.node.inputs)}",
}
layer = rules.registering(RULES)

# Activations that Gluon's layers have an argument for.
_ARGUMENTS = {
    activations.relu: "relu", activations.sigmoid: "sigmoid", activations.tanh: "tanh",
    activations.softplus: "softrelu", activations.softsign: "softsign",
}  # fmt: skip


def _in_turn(call: Any, sign: str) -> str:
    """All inputs, one after the other."""
    text, *names = rules.inputs(call)
    shapes = [tuple(t.shape) for t in call.node.inputs]
    for i, name in enumerate(names, 1):
        text = of_two(sign, text, name, len({*shapes[: i + 1]}) == 1)
    return text


def argument(function: Any) -> str | None:
    """The argument `activation=` of a layer of Gluon; None for what it does not have."""
    return _ARGUMENTS.get(function)


def activated(function: Any, call: Any, text: str) -> str:
    """`text` with an activation around it, if it is no argument of the layer."""
    if argument(function) is not None:
        return text
    return rules.activated(function, call, text, FUNCTIONS)

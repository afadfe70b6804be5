"""The table of layers that flax.nnx has, and what its rules share."""

from __future__ import annotations

from typing import Any

from unidl.port.source import rules
from unidl_jax.port.source.functions import FUNCTIONS


def _aligned(call: Any) -> list[str]:
    """All inputs; in those with fewer axes, some follow the batch, as in Keras."""
    rank, found = max(len(t.shape) for t in call.node.inputs), []
    for i, tensor in enumerate(call.node.inputs):
        lacking = tuple(range(1, 1 + rank - len(tensor.shape)))
        x = call.plain(i)
        found.append(f"jnp.expand_dims({x}, {lacking})" if lacking else x)
    return found


RULES: dict[type, Any] = rules.merges("jnp", _aligned)
layer = rules.registering(RULES)


def made(name: str, *arguments: Any, **options: Any) -> str:
    """What makes a module, with the options that are not None."""
    return rules.called(name, *arguments, **options, rngs=rules.Text("rngs"))


def activated(function: Any, call: Any, text: str) -> str:
    """`text` with an activation around it."""
    return rules.activated(function, call, text, FUNCTIONS)


def activation_text(function: Any, call: Any) -> str:
    """An activation as a function that is handed on."""
    found = activated(function, call, "x")
    if found == "x":
        return "lambda x: x"
    name, _, argument = found.partition("(")
    return name if argument == "x)" else f"lambda x: {found}"


def is_channels_first(m: Any) -> bool:
    return getattr(m, "data_format", "channels_last") == "channels_first"


def with_channels_last(m: Any, call: Any) -> str:
    """The input with its channels last; `moved_back` undoes it."""
    x = call.plain()
    return f"jnp.moveaxis({x}, 1, -1)" if is_channels_first(m) else x


def moved_back(m: Any, text: str) -> str:
    return f"jnp.moveaxis({text}, -1, 1)" if is_channels_first(m) else text

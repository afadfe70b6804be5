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


class Text(str):
    """Code that stands among the arguments of `made` as it is."""

    def __repr__(self) -> str:
        return str(self)


def made(name: str, *arguments: Any, **options: Any) -> str:
    """What makes a module, with the options that are not None."""
    given = [repr(a) for a in arguments]
    given += [f"{k}={v!r}" for k, v in options.items() if v is not None]
    return f"{name}({', '.join([*given, 'rngs=rngs'])})"


def activated(function: Any, call: Any, text: str) -> str:
    """`text` with an activation around it."""
    rule = rules.activation(function, FUNCTIONS)
    return text if rule is None else rule(rules.Written(call, text), call.outputs[0])


def activation_text(function: Any, call: Any) -> str:
    """An activation as a function that is handed on."""
    found = activated(function, call, "x")
    if found == "x":
        return "lambda x: x"
    name, _, argument = found.partition("(")
    return name if argument == "x)" else f"lambda x: {found}"


def bias_of(m: Any) -> list:
    """The entry of the bias that a layer may have."""
    return [("bias", m.bias)] if m.use_bias else []


def one_or_each(sizes: Any) -> Any:
    """3 for (3, 3)."""
    sizes = tuple(sizes)
    return sizes[0] if len(set(sizes)) == 1 else sizes


def unless(value: Any, default: Any) -> Any:
    """None for the default, which need not be written."""
    return None if value == default else value


def is_channels_first(m: Any) -> bool:
    return getattr(m, "data_format", "channels_last") == "channels_first"


def with_channels_last(m: Any, call: Any) -> str:
    """The input with its channels last; `moved_back` undoes it."""
    x = call.plain()
    return f"jnp.moveaxis({x}, 1, -1)" if is_channels_first(m) else x


def moved_back(m: Any, text: str) -> str:
    return f"jnp.moveaxis({text}, -1, 1)" if is_channels_first(m) else text

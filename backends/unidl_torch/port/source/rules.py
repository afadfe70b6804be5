"""The table of layers that torch has, and what its rules share."""

from __future__ import annotations

from typing import Any

from unidl.port.source import rules
from unidl.port.source.rules import Text as Text
from unidl_torch.port.source.functions import FUNCTIONS

RULES: dict[type, Any] = rules.merges("torch")
layer = rules.registering(RULES)


def called(name: str, *arguments: Any, **options: Any) -> str:
    """A call as text, with the options that are not None."""
    given = [repr(a) for a in arguments]
    given += [f"{k}={v!r}" for k, v in options.items() if v is not None]
    return f"{name}({', '.join(given)})"


def activated(function: Any, call: Any, text: str) -> str:
    """`text` with an activation around it."""
    rule = rules.activation(function, FUNCTIONS)
    return text if rule is None else rule(rules.Written(call, text), call.outputs[0])


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

"""The table of layers that torch has, and what its rules share."""

from __future__ import annotations

from typing import Any

from unidl.port.source import rules
from unidl_torch.port.source.functions import FUNCTIONS

RULES: dict[type, Any] = rules.merges("torch")
layer = rules.registering(RULES)


def activated(function: Any, call: Any, text: str) -> str:
    """`text` with an activation around it."""
    return rules.activated(function, call, text, FUNCTIONS)

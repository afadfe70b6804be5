"""One node of a graph that becomes a model, as the files for families of operators see it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.weight_rules import Rule, same

if TYPE_CHECKING:
    from unidl.port.onnx.graph import Node
    from unidl.port.onnx_model.build import Build

_FAMILIES = (
    "convolutions", "dense", "elementwise", "normalizations", "recurrences", "resizing",
    "shapes",
)  # fmt: skip
_makers: dict[str, Callable[[Call], Any]] = {}


@dataclass(frozen=True)
class Parameter:
    """An array of the file that is trained, by its name."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class AsItIsRun(Exception):
    """A node which is no layer: it is called as `port.onnx` runs it."""


@dataclass
class Call:
    """
    Attributes:
        node: with its attributes.
        inputs: `Laid` tensors, `Parameter`s, arrays for constants, None.
    """

    node: Node
    inputs: list[Any]
    build: Build

    def __getitem__(self, attribute: str) -> Any:
        return self.node[attribute]

    def input(self, i: int) -> Any:
        """Input number i, None where it is left out."""
        return self.inputs[i] if i < len(self.inputs) else None

    def tensor(self, i: int = 0) -> Laid:
        """An input as a tensor; a weight by itself becomes a layer of its own."""
        return self.build.tensor(self.inputs[i])

    def called(self) -> str:
        """A name for its layer."""
        return self.build.called(self.node)

    def is_own(self, value: Any) -> bool:
        """Whether this is a weight that no other node uses."""
        return isinstance(value, Parameter) and self.build.uses[value.name] == 1

    def require_own_weights(self, *places: int) -> None:
        """What shares its weights with others is no layer; inputs that are left out count."""
        if not all(self.input(i) is None or self.is_own(self.inputs[i]) for i in places):
            raise AsItIsRun

    def weight(
        self, i: int, variable: Callable[[], Any], rule: Rule = same, block: tuple = (0, 1)
    ) -> None:
        """Input i is this weight of a layer, or one block of it."""
        if self.input(i) is not None:
            self.build.bind(self.inputs[i].name, variable, rule, block)

    def constant(self, i: int) -> np.ndarray:
        """Input i, which is known, and no weight however it looks."""
        given = self.build.array(self.inputs[i])
        if not isinstance(given, np.ndarray):
            raise Refused(f"its input {self.node.inputs[i]!r} is computed from what comes in")
        return given


def makes(*operators: str) -> Callable:
    """Mark the function that makes layers of `operators`."""

    def mark(function):
        _makers.update(dict.fromkeys(operators, function))
        return function

    return mark


@cache
def makers() -> dict[str, Callable[[Call], Any]]:
    """All by operator, of ONNX's own domain."""
    for family in _FAMILIES:
        importlib.import_module(f"unidl.port.onnx_model.{family}")
    return _makers

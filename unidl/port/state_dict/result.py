"""What comes back when a state dict is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from unidl.port.imported import HasWeights
from unidl.port.weight_rules import Weight

_REASONS = {
    "given": "as names= says",
    "name": "the names agree",
    "shape": "nothing else has these shapes",
    "next": "it follows in the file as in the model",
    "order": "in the order of the file, among equal shapes",
    "numbers": "in the order of the numbers in its name, among equal shapes",
}


class Match(NamedTuple):
    """A layer and the module whose arrays it got.

    Attributes:
        layer: path of the layer.
        module: what comes before the names of its arrays in the file.
        how: "given", "name", "shape", "next", "order" or "numbers": why it is this one.

    Examples:
        >>> print(unidl.port.Match("head", "fc", "shape"))
        head <- fc (nothing else has these shapes)
    """

    layer: str
    module: str
    how: str

    def __str__(self) -> str:
        return f"{self.layer} <- {self.module or 'the top'} ({_REASONS[self.how]})"


@dataclass
class Loaded(HasWeights):
    """What `load_state_dict` did; print it.

    Attributes:
        matched: a `Match` for each layer that got its numbers.
        unmatched_layers: [(path, why)] of layers that kept theirs.
        unmatched_arrays: [(name in the file, why)] of arrays that went nowhere.
        ignored: {name: array} of what means nothing here, such as counters of batches.
        warnings: what computes or trains otherwise without an error, in sentences.
        weights: where each weight comes from, with the rule that takes it back.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2, name="head")])
        >>> state = {"fc.weight": np.ones((2, 4), "float32"), "fc.bias": np.zeros(2, "float32")}
        >>> found = unidl.port.load_state_dict(model, state)
        >>> print(found)
        1 of 1 layers matched, 2 of 2 arrays used
          head <- fc (nothing else has these shapes)
        >>> sorted(found.state())
        ['fc.bias', 'fc.weight']
    """

    matched: list[Match] = field(default_factory=list)
    unmatched_layers: list[tuple[str, str]] = field(default_factory=list)
    unmatched_arrays: list[tuple[str, str]] = field(default_factory=list)
    ignored: dict[str, np.ndarray] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)

    def state(self) -> dict[str, np.ndarray]:
        """{name in the file: its numbers now}, with what was ignored as it was."""
        return {**super().state(), **self.ignored}

    def __str__(self) -> str:
        layers = len(self.matched) + len(self.unmatched_layers)
        used = len(self.names)
        arrays = used + len(self.unmatched_arrays) + len(self.ignored)
        lines = [f"{len(self.matched)} of {layers} layers matched, {used} of {arrays} arrays used"]
        lines += [f"  {match}" for match in self.matched]
        lines += [f"  layer {path}: not matched: {why}" for path, why in self.unmatched_layers]
        lines += [f"  array {name}: not matched: {why}" for name, why in self.unmatched_arrays]
        lines += [f"  array {name}: ignored" for name in self.ignored]
        lines += [f"  warning: {text}" for text in self.warnings]
        return "\n".join(lines)

"""What comes back when a model is brought in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unidl.port.proof import Proof
from unidl.port.weight_rules import Weight


class HasWeights:
    """What knows of weights where they come from."""

    weights: list[Weight]

    @property
    def names(self) -> dict[str, str]:
        """{name in the original: path of the weight in `model`}, several in one string where the
        original has them in one array."""
        found: dict[str, str] = {}
        for weight in self.weights:
            for name in weight.names:
                before = f"{found[name]}, " if name in found else ""
                found[name] = before + weight.variable.path
        return found

    @property
    def still(self) -> set[str]:
        """Names of arrays that share a weight with another, and are not trained by themselves."""
        return {name for w in self.weights if w.rule.is_sum for name in w.names[1:]}

    def state(self) -> dict[str, np.ndarray]:
        """{name in the original: its numbers now}, as the original would have them."""
        blocks: dict[str, dict[int, np.ndarray]] = {}
        for weight in self.weights:
            for name, value in weight.take_out().items():
                blocks.setdefault(name, {})[weight.block[0]] = value
        return {name: _joined(found) for name, found in blocks.items()}


@dataclass
class Imported(HasWeights):
    """
    Attributes:
        model: the Model of unidl.
        weights: where each of its weights comes from, with the rule that takes it back.
        warnings: what differs from the original without an error, in sentences.
        proof: how the comparison with the original went; None if it was not made.
        optimizer: that of the original with its state, if one was given: `model.compile(optimizer,
            loss)` and train on.

    Examples:
        >>> import torch
        >>> module = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Tanh())
        >>> found = unidl.port.from_torch(module, torch.ones(1, 4))
        >>> found.names
        {'0.weight': '0/kernel', '0.bias': '0/bias'}
        >>> found.state()["0.weight"].shape
        (2, 4)
    """

    model: Any
    weights: list[Weight]
    warnings: list[str] = field(default_factory=list)
    proof: Proof | None = None
    optimizer: Any = None
    _state_of_optimizer: Callable[[], Any] | None = field(default=None, init=False, repr=False)

    def optimizer_state(self) -> Any:
        """The optimizer's state now, as the original's optimizer takes it.

        Raises:
            ValueError: no optimizer was given.
        """
        if self._state_of_optimizer is None:
            raise ValueError(
                "optimizer_state: the model came without an optimizer. Give it to the function "
                "that brings the model in, as optimizer= or trainer=."
            )
        return self._state_of_optimizer()


def _joined(blocks: dict[int, np.ndarray]) -> np.ndarray:
    return blocks[0] if len(blocks) == 1 else np.concatenate([blocks[i] for i in sorted(blocks)])

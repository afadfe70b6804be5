"""What comes back when a model is taken out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unidl.port.proof import Proof
from unidl.port.weight_rules import Weight


@dataclass
class Exported:
    """
    Attributes:
        framework: where the model went.
        source: the text of the file.
        files: what was written, the source first; empty if nothing was.
        weights: where each weight went, with the rule that takes it back.
        warnings: what differs without an error, in sentences.
        proof: how the comparison with the model of unidl went; None if it was not made.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2, "tanh")], name="net")
        >>> found = unidl.port.to_source(model, "numpy", "/tmp/net.py")
        >>> found.proof.passed
        True
        >>> found.names
        {'net/dense/kernel': 'dense.kernel', 'net/dense/bias': 'dense.bias'}
    """

    framework: str
    source: str
    files: list[str] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    proof: Proof | None = None

    @property
    def names(self) -> dict[str, str]:
        """{path of the weight in unidl: its name in the written model}."""
        return {w.variable.path: ", ".join(w.names) for w in self.weights}

    def state(self) -> dict[str, np.ndarray]:
        """{name in the written model: the numbers that unidl's model has now}."""
        return {name: value for w in self.weights for name, value in w.take_out().items()}

    def __str__(self) -> str:
        checks = any("_check." in path for path in self.files)
        kept = "the file's own check can" if checks else "no check recorded (verify=False)"
        lines = [str(self.proof or f"Not compared; {kept}.")]
        lines += [f"  differs: {text}" for text in self.warnings]
        return "\n".join([*lines, *(f"  wrote {path}" for path in self.files)])

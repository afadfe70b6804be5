"""What comes back when a model was written."""

from __future__ import annotations

from dataclasses import dataclass, field

from unidl.port.proof import Proof


@dataclass
class OnnxFile:
    """
    Attributes:
        path: of the file.
        files: all that was written, the model first.
        opset: the version of ONNX's operators.
        inputs, outputs: their names in the file, in the order of the model's.
        weights: {path of the weight in unidl: its name in the file}.
        operators: {operator: how many nodes}.
        proof: how the file's outputs compare with the model's; None if that was not asked for.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2)], name="small")
        >>> found = unidl.port.to_onnx(model, "/tmp/small.onnx")
        >>> found.proof.passed, found.operators
        (True, {'MatMul': 1, 'Add': 1})
    """

    path: str
    files: list[str]
    opset: int
    inputs: list[str]
    outputs: list[str]
    weights: dict[str, str] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    proof: Proof | None = None

    def __str__(self) -> str:
        nodes = sum(self.operators.values())
        lines = [
            f"{self.path}: {nodes} nodes, {len(self.weights)} weights, opset {self.opset}",
            str(self.proof) if self.proof else "Not compared with the model (verify=False).",
        ]
        return "\n".join([*lines, *(f"  wrote {path}" for path in self.files)])

"""What comes back when a model was exported."""

from __future__ import annotations

from dataclasses import dataclass, field

from unidl.port.proof import Proof


@dataclass
class Artifact:
    """
    Attributes:
        path: of the file or folder.
        format: in which it is.
        files: all that was written, `path` first.
        inputs: {endpoint: names of its inputs}.
        proof: how the outputs compare with the model's; None if that was not asked for.

    Examples:
        >>> x = unidl.Input((3,), name="x")
        >>> model = unidl.Model(x, unidl.layers.Dense(2, name="only")(x), name="small")
        >>> found = unidl.port.export_model(model, "/tmp/small", "tf_saved_model")
        >>> found.inputs, found.proof.passed
        ({'serve': ['x']}, True)
    """

    path: str
    format: str
    files: list[str]
    inputs: dict[str, list[str]] = field(default_factory=dict)
    proof: Proof | None = None

    def __str__(self) -> str:
        lines = [
            f"{self.path}: {self.format}",
            *(f"  {name}({', '.join(inputs)})" for name, inputs in self.inputs.items()),
            str(self.proof) if self.proof else "Not compared with the model (verify=False).",
        ]
        return "\n".join([*lines, *(f"  wrote {path}" for path in self.files)])

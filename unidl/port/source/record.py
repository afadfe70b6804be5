"""What a written file computes again by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from unidl.backend import registry
from unidl.port.proof import as_list, in_float64, on_the_reference
from unidl.port.twin import Twin, silence
from unidl.port.weight_rules import Weight, same
from unidl.verify.apart import apart
from unidl.verify.snapshot import Snapshot

_SEED = 13


class Record:
    """What a model computes in float64: outputs in inference, and the gradients of the sum of
    outputs * directions for each weight that is trained.

    It knows no framework: `to_source` writes it beside any file of the model.

    Attributes:
        computed: {"input0": array, "output0": array, "direction0": array, ...}.
    """

    def __init__(self, twin: Any, inputs: list[np.ndarray]) -> None:
        """twin: a model in float64 without dropout, in the scope of its backend."""
        generator = np.random.default_rng(_SEED)
        trained = [Weight((v.path,), v, same) for v in twin.trainable_variables]
        asked, inputs = Twin(twin, trained), in_float64(inputs)
        outputs = asked.outputs(inputs, training=False)
        directions = [generator.normal(size=y.shape) for y in outputs]
        named = {"input": inputs, "output": outputs, "direction": directions}
        self.computed = {f"{n}{i}": x for n, found in named.items() for i, x in enumerate(found)}
        self._gradients: list[np.ndarray] = []
        if any(y.dtype.kind == "f" for y in outputs):
            self._gradients, _ = asked.gradients(inputs, directions, training=False)

    @classmethod
    def of(cls, model: Any, inputs: Any) -> Record:
        """That of a copy of `model` in float64, on the default backend."""
        with apart(model, "Record") as copier, on_the_reference():
            Snapshot(copier.copy).place(registry.get_backend(), "float64")
            silence(copier.copy)
            return cls(copier.copy, as_list(inputs))

    def arrays(self, model: Any, weights: Iterable[Weight]) -> dict[str, np.ndarray]:
        """All of it, gradients as the written model has its weights.

        model: the one that was recorded, or one that it is a copy of. weights: of `model`, with
            their places in what was written.
        """
        both = zip(model.trainable_variables, self._gradients, strict=bool(self._gradients))
        gradients = {id(v): gradient for v, gradient in both}
        found = dict(self.computed)
        for weight in weights:
            if (gradient := gradients.get(id(weight.variable))) is not None:
                rows = weight.taken_out(gradient).items()
                found |= {f"gradient.{name}": value for name, value in rows}
        return found

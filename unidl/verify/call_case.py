"""A call of a layer that is to be compared: its arrays, and its truth and scales once found."""

from __future__ import annotations

import numpy as np

from unidl.conformance.engine import evaluate
from unidl.conformance.scales import noise
from unidl.verify.calls import Replay
from unidl.verify.measure import again_on


class CallCase:
    """
    Attributes:
        call, replay: the call, and how it is run again. arrays: its inputs and weights.
        truth, cotangents, names: by `find_truth`; the names of the outputs. scales: by
        `find_scales`.
    """

    def __init__(self, call, snapshot):
        self.call, self.replay = call, Replay(call, snapshot)
        self.arrays = self.replay.arrays
        self.truth = self.scales = self.cotangents = None
        self.names: list[str] = []

    def find_truth(self, backend):
        outputs = evaluate(backend, self.replay, self.arrays).outputs
        generator = np.random.default_rng(len(outputs))
        drawn = [
            generator.normal(size=o.shape).astype("float32").astype("float64")
            if o.dtype == "float64"
            else None
            for o in outputs
        ]
        kept = self.replay.kept  # what the layer assigns has no gradient
        drawn[len(drawn) - len(kept) :] = [None] * len(kept)
        differentiable = (
            any(c is not None for c in drawn)
            and self.replay.prepare(backend, self.arrays).variables
        )
        self.cotangents = drawn if differentiable else None
        made = len(self.call.outputs)
        self.names = ["output"] if made == 1 else [f"output {i}" for i in range(made)]
        self.names += ["added loss"] * (len(outputs) - made - len(kept)) + [
            f"new {n}" for n in kept
        ]
        self.truth = evaluate(backend, self.replay, self.arrays, self.cotangents)

    def find_scales(self, backend, seeds, draws=None):
        self.scales = noise(
            again_on(self.replay, backend, seeds),
            self.arrays,
            self.cotangents or [],
            self.truth,
            draws,
        )

    def given(self, dtype):
        """(arrays, cotangents) in `dtype`."""
        arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in self.arrays.items()}
        return arrays, self.cotangents and [
            None if c is None else c.astype(dtype) for c in self.cotangents
        ]

    def run(self, backend, dtype):
        """Its Evaluation where its model is placed."""
        return evaluate(backend, self.replay, *self.given(dtype))

    def labelled(self, evaluation):
        """{what a Record calls it: array} of an Evaluation."""
        found = dict(zip(self.names, evaluation.outputs, strict=True))
        return found | {f"gradient of {n}": g for n, g in evaluation.gradients.items()}

"""Which comparisons rounding alone decides.

Some functions multiply the last digit: batch normalization over two or three numbers, kinks in a
deep network. Two right programs differ there as much as wrong ones do. So where a comparison fails,
the model is compared with itself, its weights changed in their last digits.
"""

from __future__ import annotations

import numpy as np

from unidl.backend.dtypes import is_float
from unidl.port.twin import Twin

DIGITS = 4 * np.finfo("float64").eps  # by how much each weight is changed, relatively
TIMES = 10  # how many such changes the roundings of a whole network come to
SEEDS = (1, 2)


class Shaken:
    """A copy of a twin with other last digits, as the proof asks an original."""

    left_out: list[str] = []
    budget = 0.0

    def __init__(self, twin: Twin, seed: int) -> None:
        self._twin = twin.copied()
        drawn = np.random.default_rng(seed)
        for variable in (w.variable for w in self._twin.weights if is_float(w.variable.dtype)):
            value = variable.numpy()
            variable.assign(value * (1 + DIGITS * drawn.choice((-1, 1), value.shape)))

    def outputs(self, inputs: list[np.ndarray], training: bool) -> list[np.ndarray]:
        return self._twin.outputs(inputs, training)

    def gradients(
        self, inputs: list[np.ndarray], directions: list[np.ndarray]
    ) -> tuple[dict[str, np.ndarray], list[np.ndarray | None]]:
        found, of_floats = self._twin.gradients(inputs, directions)
        by_name: dict[str, np.ndarray] = {}
        for weight, gradient in zip(self._twin.trained, found, strict=True):
            by_name |= weight.taken_out(gradient)
        floats = iter(of_floats)
        return by_name, [next(floats) if is_float(str(x.dtype)) else None for x in inputs]

    def descend(self, gradients: dict[str, np.ndarray], rate: float) -> None:
        converted = [w.converted_gradient(gradients) for w in self._twin.trained]
        self._twin.descend(converted, rate)

    def state(self) -> dict[str, np.ndarray]:
        return {n: x for weight in self._twin.weights for n, x in weight.take_out().items()}

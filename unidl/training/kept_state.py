"""All that steps change, kept on the host, to try something and go back."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import random
from unidl.saving import training_state


class KeptState:
    """Weights, slots, metrics, counts and random numbers of a compiled and built `model` as they
    are now.

    Attributes:
        values: [(Variable, NumPy array)].
    """

    def __init__(self, model: Any) -> None:
        self.values = [(v, np.array(v.numpy())) for v in training_state.variables_of(model)]
        self._random = random.get_global_state()
        self._generators = [(g, g.get_state()) for g in model._seed_generators]

    def finite(self) -> bool:
        """Whether none of the numbers is NaN or infinite."""
        return all(np.isfinite(value).all() for _, value in self.values if value.dtype.kind == "f")

    def restore(self) -> None:
        """Put everything back into place."""
        for variable, value in self.values:
            variable.assign(value)
        for generator, state in self._generators:
            generator.set_state(state)
        random.set_global_state(self._random)

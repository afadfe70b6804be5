"""Momentum that the learning rate is not in."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.optimizers import step_numbers
from unidl.optimizers.elementwise import PerParameter
from unidl.port.optimizers.coupled import Coupled
from unidl.tracing.feed import next_number
from unidl.utils.rules import FLAG, SHARE


class HeavyBall(Coupled, PerParameter):
    """b = momentum * b + (1 - dampening) * g, the first b being g; p -= lr * b, or p -= lr * (g +
    momentum * b) with `nesterov`: a change of the learning rate changes the whole step at once.

    Args:
        learning_rate: as for `SGD`.
        momentum, dampening, nesterov: see above.
        l2: l2 * p is added to g.
    """

    arguments = ("momentum", "dampening", "nesterov")

    _rules: ClassVar = {"momentum": SHARE, "dampening": SHARE, "nesterov": FLAG}

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.dampening, self.nesterov = momentum, dampening, nesterov

    def slot_groups(self) -> Any:
        return [("buffer",)] if self.momentum else []

    def _share(self) -> Any:
        is_first = self._update_number() == 1
        return step_numbers.choose(is_first, 1.0, 1.0 - self.dampening)

    def numbers(self) -> dict[str, Any]:
        return {"share": next_number(self._share)} if self.momentum else {}

    def step(
        self,
        backend: Any,
        p: Any,
        g: Any,
        learning_rate: Any,
        buffer: Any = None,
        share: Any = None,
    ) -> Any:
        if buffer is None:
            return backend.subtract(p, backend.multiply(g, learning_rate)), {}
        buffer = backend.add(backend.multiply(buffer, self.momentum), backend.multiply(g, share))
        change = buffer
        if self.nesterov:
            change = backend.add(g, backend.multiply(buffer, self.momentum))
        return backend.subtract(p, backend.multiply(change, learning_rate)), {"buffer": buffer}

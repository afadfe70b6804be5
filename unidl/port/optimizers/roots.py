"""RMSprop and Adagrad with epsilon behind the root."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.optimizers.elementwise import PerParameter, moving_mean
from unidl.port.optimizers.coupled import Coupled
from unidl.tracing.feed import next_number
from unidl.utils.rules import FLAG, NOT_NEGATIVE, SHARE


class RootRMSprop(Coupled, PerParameter):
    """p -= lr * b with b = momentum * b + g / (sqrt(v) + epsilon): epsilon is behind the root, and
    the learning rate not in b.

    Args:
        learning_rate: as for `RMSprop`.
        rho: decay of the mean v of squared gradients.
        momentum: of the steps.
        epsilon: see above.
        centered: v - mean(g)**2 instead of v.
        l2: l2 * p is added to g.
    """

    arguments = ("rho", "momentum", "epsilon", "centered")

    _rules: ClassVar = {"rho": SHARE, "momentum": SHARE, "epsilon": NOT_NEGATIVE, "centered": FLAG}

    def __init__(
        self,
        learning_rate: Any = 0.01,
        rho: float = 0.99,
        momentum: float = 0.0,
        epsilon: float = 1e-8,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_groups(self) -> Any:
        return (
            [("velocity",)]
            + [("buffer",)] * (self.momentum > 0)
            + [("average_gradient",)] * bool(self.centered)
        )

    def step(
        self,
        backend: Any,
        p: Any,
        g: Any,
        learning_rate: Any,
        velocity: Any,
        buffer: Any = None,
        average_gradient: Any = None,
    ) -> Any:
        velocity = moving_mean(backend, velocity, backend.square(g), self.rho)
        slots, spread = {"velocity": velocity}, velocity
        if average_gradient is not None:
            average = moving_mean(backend, average_gradient, g, self.rho)
            slots["average_gradient"] = average
            spread = backend.subtract(velocity, backend.square(average))
        change = backend.divide(g, backend.add(backend.sqrt(spread), self.epsilon))
        if buffer is not None:
            change = backend.add(backend.multiply(buffer, self.momentum), change)
            slots["buffer"] = change
        return backend.subtract(p, backend.multiply(change, learning_rate)), slots


class RootAdagrad(Coupled, PerParameter):
    """a = a + g**2, p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(a) + epsilon): epsilon is behind
    the root.

    Args:
        learning_rate: as for `Adagrad`.
        lr_decay: see above; t is the number of the step.
        initial_accumulator_value: of a.
        epsilon: see above.
        l2: l2 * p is added to g.
    """

    arguments = ("lr_decay", "initial_accumulator_value", "epsilon")

    _rules: ClassVar = dict.fromkeys(arguments, NOT_NEGATIVE)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        lr_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-10,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.lr_decay, self.epsilon = lr_decay, epsilon
        self.initial_accumulator_value = initial_accumulator_value

    def slot_groups(self) -> Any:
        return [("accumulator",)]

    def initial_slot_value(self, name: str | None) -> Any:
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def numbers(self) -> dict[str, Any]:
        return {"slower": next_number(lambda: 1 + (self._update_number() - 1) * self.lr_decay)}

    def step(
        self, backend: Any, p: Any, g: Any, learning_rate: Any, accumulator: Any, slower: Any
    ) -> Any:
        accumulator = backend.add(accumulator, backend.square(g))
        change = backend.divide(g, backend.add(backend.sqrt(accumulator), self.epsilon))
        change = backend.multiply(backend.divide(change, slower), learning_rate)
        return backend.subtract(p, change), {"accumulator": accumulator}

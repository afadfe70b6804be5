"""Adam and its relatives with epsilon in another place."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl import optimizers
from unidl.optimizers.elementwise import PerParameter, moving_mean
from unidl.port.optimizers.coupled import Coupled
from unidl.tracing.feed import next_number
from unidl.utils.rules import BELOW_ONE, FLAG, NOT_NEGATIVE

_MOMENTS = {"beta_1": BELOW_ONE, "beta_2": BELOW_ONE, "epsilon": NOT_NEGATIVE}


class CorrectedAdam(Coupled, PerParameter):
    """p -= lr / (1 - beta_1**t) * m / (sqrt(v / (1 - beta_2**t)) + epsilon): epsilon is added after
    both corrections, and not before as in `Adam`.

    Args:
        learning_rate: as for `Adam`.
        beta_1, beta_2, epsilon: see above.
        amsgrad: the largest v so far instead of v.
        l2: l2 * p is added to g. `weight_decay`, the decoupled one, is `Optimizer`'s.
    """

    arguments = ("beta_1", "beta_2", "epsilon", "amsgrad")

    _rules: ClassVar = {**_MOMENTS, "amsgrad": FLAG}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def slot_groups(self) -> Any:
        return [("momentum", "velocity")] + [("velocity_hat",)] * bool(self.amsgrad)

    def numbers(self) -> dict[str, Any]:
        return {
            "bias_1": next_number(lambda: 1 - self.beta_1 ** self._update_number()),
            "bias_2": next_number(lambda: 1 - self.beta_2 ** self._update_number()),
        }

    def step(
        self,
        backend: Any,
        p: Any,
        g: Any,
        learning_rate: Any,
        momentum: Any,
        velocity: Any,
        bias_1: Any,
        bias_2: Any,
        velocity_hat: Any = None,
    ) -> Any:
        momentum = moving_mean(backend, momentum, g, self.beta_1)
        velocity = moving_mean(backend, velocity, backend.square(g), self.beta_2)
        slots, largest = {"momentum": momentum, "velocity": velocity}, velocity
        if velocity_hat is not None:
            slots["velocity_hat"] = largest = backend.maximum(velocity_hat, velocity)
        divisor = backend.add(backend.sqrt(backend.divide(largest, bias_2)), self.epsilon)
        change = backend.divide(backend.divide(momentum, bias_1), divisor)
        return backend.subtract(p, backend.multiply(change, learning_rate)), slots


class FlooredAdamax(Coupled, PerParameter):
    """u = max(beta_2 * u, |g| + epsilon), p -= lr * m / ((1 - beta_1**t) * u): epsilon is in the
    maximum.

    Args:
        learning_rate: as for `Adamax`.
        beta_1, beta_2, epsilon: see above.
        l2: l2 * p is added to g.
    """

    arguments = ("beta_1", "beta_2", "epsilon")

    _rules: ClassVar = _MOMENTS

    def __init__(
        self,
        learning_rate: Any = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> Any:
        return [("momentum", "norm")]

    def numbers(self) -> dict[str, Any]:
        return {"bias": next_number(lambda: 1 - self.beta_1 ** self._update_number())}

    def step(
        self, backend: Any, p: Any, g: Any, learning_rate: Any, momentum: Any, norm: Any, bias: Any
    ) -> Any:
        momentum = moving_mean(backend, momentum, g, self.beta_1)
        floored = backend.add(backend.abs(g), self.epsilon)
        norm = backend.maximum(backend.multiply(norm, self.beta_2), floored)
        change = backend.divide(
            backend.multiply(momentum, learning_rate), backend.multiply(norm, bias)
        )
        return backend.subtract(p, change), {"momentum": momentum, "norm": norm}


class SlowNadam(Coupled, optimizers.Nadam):
    """`Nadam` whose momentum grows more slowly: u_t = beta_1 * (1 - 0.5 * 0.96**(t * decay)).

    Args:
        learning_rate, beta_1, beta_2, epsilon: as for `Nadam`.
        momentum_decay: see above; 1 in `Nadam`.
        l2: l2 * p is added to g.
    """

    arguments: tuple[str, ...] = ("beta_1", "beta_2", "epsilon", "momentum_decay")

    _rules: ClassVar = {**_MOMENTS, "momentum_decay": NOT_NEGATIVE}

    def __init__(
        self,
        learning_rate: Any = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.momentum_decay = momentum_decay

    def _momentum_at(self, t: Any) -> Any:
        return self.beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

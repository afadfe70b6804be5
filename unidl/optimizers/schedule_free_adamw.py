"""AdamW without a schedule of its learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl.backend.variable import Variable
from unidl.optimizers import step_numbers
from unidl.optimizers.elementwise import PerParameter, moving_mean
from unidl.tracing.feed import next_number
from unidl.typing import LearningRate, Tensor
from unidl.utils.rules import BELOW_ONE, FROM_ZERO, NOT_NEGATIVE, SHARE


class ScheduleFreeAdamW(PerParameter):
    """Defazio et al. (arXiv:2405.15682): steps are taken by z, whose mean x replaces a schedule;
    the weights are y = (1 - beta_1) * z + beta_1 * x, at which gradients are taken.

    v = beta_2 * v + (1 - beta_2) * g**2, z -= lr * g / (sqrt(v / (1 - beta_2**t)) + epsilon), and x
    moves towards z by 1 / t. The slot "momentum" is z, and x is read back from y and z.

    Args:
        learning_rate: float, `LearningRateSchedule` or function; usually constant.
        beta_1: share of x in the weights, in (0, 1].
        beta_2: decay of the mean v of squared gradients.
        epsilon: outside the root.
        warmup_steps: number of steps in which the learning rate grows from 0 to its value.

    The other arguments, by name, are `Optimizer`'s.

    Examples:
        >>> v = unidl.Variable([1.0, 2.0])
        >>> optimizer = unidl.optimizers.ScheduleFreeAdamW(0.1, warmup_steps=2)
        >>> optimizer.apply([np.array([1.0, -1.0])], [v])
        >>> v.numpy()  # half of the rate, in the first of two steps
        array([0.95, 2.05], dtype=float32)
    """

    elementwise = True

    arguments = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    _rules: ClassVar = {
        "beta_1": SHARE,
        "beta_2": BELOW_ONE,
        "epsilon": NOT_NEGATIVE,
        "warmup_steps": FROM_ZERO,
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if beta_1 == 0:
            raise ValueError(
                f"{self.name}: beta_1 must be in (0, 1], got 0; otherwise the mean x has no share "
                "in the weights and cannot be recovered from them."
            )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.warmup_steps = warmup_steps

    def slot_groups(self) -> Any:
        return [("momentum", "velocity")]

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots; z begins where the weights are."""
        if self.built:
            return
        super().build(variables)
        for slot, variable in zip(self._slots["momentum"], self._targets, strict=True):
            slot.assign(variable.value)

    def numbers(self) -> dict:
        def rate() -> Any:
            warm = self._update_number() / self.warmup_steps if self.warmup_steps else 1.0
            return self._current_rate() * step_numbers.least(warm, 1.0)

        return {
            "warm_rate": next_number(rate),
            "correction": next_number(lambda: 1 - self.beta_2 ** self._update_number()),
            "moves": next_number(lambda: 1 / self._update_number()),
        }

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        momentum: Tensor,
        velocity: Tensor,
        warm_rate: Any,
        correction: Any,
        moves: Any,
    ) -> Any:
        velocity = moving_mean(backend, velocity, backend.square(g), self.beta_2)
        root = backend.sqrt(backend.divide(velocity, correction))
        mean = backend.divide(
            backend.subtract(p, backend.multiply(momentum, 1 - self.beta_1)), self.beta_1
        )
        change = backend.divide(backend.multiply(g, warm_rate), backend.add(root, self.epsilon))
        momentum = backend.subtract(momentum, change)
        mean = backend.add(mean, backend.multiply(backend.subtract(momentum, mean), moves))
        p = backend.add(
            backend.multiply(momentum, 1 - self.beta_1), backend.multiply(mean, self.beta_1)
        )
        return p, {"momentum": momentum, "velocity": velocity}

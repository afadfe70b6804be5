"""Ftrl."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.optimizers.elementwise import PerParameter
from unidl.tracing.feed import next_number
from unidl.typing import LearningRate, Tensor, TensorLike
from unidl.utils.rules import NUMBER


class Ftrl(PerParameter):
    """Follow the regularized leader, with one rate for each coordinate (McMahan et al., KDD 2013).

    With n the sum of g**2, q = -learning_rate_power and s = l2 + beta / (2 * lr):
    z += g + 2 * shrinkage * p - (n_new**q - n**q) / lr * p, and p = (clip(z, -l1, l1) - z) /
    (n_new**q / lr + 2 * s).

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        learning_rate_power: at most 0; 0 keeps the rate.
        initial_accumulator_value: of n.
        l1_regularization_strength, l2_regularization_strength,
            l2_shrinkage_regularization_strength: l1, l2, shrinkage, at least 0.
        beta: as above.
        weight_decay: before each update p -= p * weight_decay * learning_rate.
        clipnorm, clipvalue, global_clipnorm: limit on the norm of each gradient, on each of its
            elements, or on the norm of all gradients together; only one can be given.
        use_ema, ema_momentum, ema_overwrite_frequency: keep exponential moving averages of the
            variables, and set the variables to them every `ema_overwrite_frequency` steps, or, if
            that is None, at the end of training.
        loss_scale_factor: `scale_loss` multiplies the loss by it, and gradients are divided by it.
        gradient_accumulation_steps: update only every so many steps, with the mean of the gradients
            since the last update.
        name: by default the class name in snake case.

    Examples:
        >>> w = unidl.Variable([1.0, 1.0])
        >>> optimizer = unidl.optimizers.Ftrl(0.1, l1_regularization_strength=1.0)
        >>> for _ in range(3):
        ...     optimizer.apply([np.array([0.1, 5.0])], [w])
        >>> w.numpy()  # small gradients leave exact zeros
        array([0.    , 0.6888], dtype=float32)
    """

    elementwise = True

    arguments = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
        "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    _rules: ClassVar = {
        "learning_rate_power": NUMBER,
        "initial_accumulator_value": NUMBER,
        "l1_regularization_strength": NUMBER,
        "l2_regularization_strength": NUMBER,
        "l2_shrinkage_regularization_strength": NUMBER,
        "beta": NUMBER,
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if learning_rate_power > 0:
            raise ValueError(
                f"Ftrl: learning_rate_power must be at most 0, got {learning_rate_power}."
            )
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        for name in self.arguments[1:5]:
            if getattr(self, name) < 0:
                raise ValueError(f"Ftrl: {name} must be at least 0, got {getattr(self, name)}.")

    def slot_groups(self) -> Any:
        return [("accumulator", "linear")]

    def initial_slot_value(self, name: str | None) -> Any:
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def numbers(self) -> Any:
        return {
            "twice_l2": next_number(
                lambda: 2 * self.l2_regularization_strength + self.beta / self._current_rate()
            )
        }

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        accumulator: TensorLike,
        linear: Any,
        twice_l2: Any,
    ) -> Any:
        new = backend.add(accumulator, backend.square(g))
        before, after = (
            backend.divide(backend.power(n, -self.learning_rate_power), learning_rate)
            for n in (accumulator, new)
        )
        pull = backend.add(g, backend.multiply(p, 2 * self.l2_shrinkage_regularization_strength))
        linear = backend.add(
            linear, backend.subtract(pull, backend.multiply(backend.subtract(after, before), p))
        )
        l1 = self.l1_regularization_strength
        p = backend.divide(
            backend.subtract(backend.clip(linear, -l1, l1), linear), backend.add(after, twice_l2)
        )
        return p, {"accumulator": new, "linear": linear}

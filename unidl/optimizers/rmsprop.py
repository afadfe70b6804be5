"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl.optimizers.optimizer import Optimizer
from unidl.typing import Config, LearningRate, Tensor
from unidl.utils.rules import FLAG, NOT_NEGATIVE, SHARE


class RMSprop(Optimizer):
    """Tieleman & Hinton (2012): v = rho * v + (1 - rho) * g**2, p -= lr * g / sqrt(v + epsilon).

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        rho: decay of the mean v of squared gradients.
        momentum: of the steps; 0 for none.
        epsilon: inside the root.
        centered: divide by the variance instead, v - mean(g)**2.
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
        >>> unidl.optimizers.RMSprop(0.1).apply([np.array([1.0, -100.0])], [w])
        >>> w.numpy()  # 0.1 / sqrt(1 - rho) for the first step
        array([0.6838, 1.3162], dtype=float32)
    """

    elementwise = True

    _rules: ClassVar = {"rho": SHARE, "momentum": SHARE, "epsilon": NOT_NEGATIVE, "centered": FLAG}

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-07,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps,
            name,
        )  # fmt: skip
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_groups(self) -> Any:
        return (
            [("velocity",)]
            + [("momentum",)] * (self.momentum > 0)
            + [("average_gradient",)] * bool(self.centered)
        )

    def update(
        self,
        backend: Any,
        params: Any,
        grads: Sequence[Tensor | None],
        slots: Any,
        learning_rate: LearningRate,
    ) -> Any:
        if len(slots) == 1:
            params, v = backend.rmsprop_update(
                params,
                grads,
                slots["velocity"],
                learning_rate=learning_rate,
                rho=self.rho,
                epsilon=self.epsilon,
            )
            return params, {"velocity": v}
        params, v, momenta, means = backend.rmsprop_full_update(
            params, grads, slots["velocity"], slots.get("momentum"), slots.get("average_gradient"),
            learning_rate=learning_rate, rho=self.rho, momentum=self.momentum, epsilon=self.epsilon,
        )  # fmt: skip
        return params, {"velocity": v, "momentum": momenta, "average_gradient": means}

    def get_config(self) -> Config:
        own = ("rho", "momentum", "epsilon", "centered")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}

"""Gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl.optimizers.optimizer import Optimizer
from unidl.typing import Config, LearningRate, Tensor
from unidl.utils.rules import FLAG, SHARE


class SGD(Optimizer):
    """p -= lr * g; with momentum v = momentum * v - lr * g and p += v, or p += momentum * v - lr *
    g with `nesterov`.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        momentum: in [0, 1].
        nesterov: look ahead (Sutskever et al. 2013).
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
        >>> w = unidl.Variable([1.0])
        >>> optimizer = unidl.optimizers.SGD(0.1, momentum=0.9)
        >>> for _ in range(2):
        ...     optimizer.apply([np.array([1.0])], [w])
        ...     print(w.numpy())
        [0.9]
        [0.71]
    """

    elementwise = True

    _rules: ClassVar = {"momentum": SHARE, "nesterov": FLAG}

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        self.momentum, self.nesterov = momentum, nesterov

    def slot_groups(self) -> Any:
        return [("momentum",)] if self.momentum else []

    def update(
        self,
        backend: Any,
        params: Any,
        grads: Sequence[Tensor | None],
        slots: Any,
        learning_rate: LearningRate,
    ) -> Any:
        params, velocities = backend.sgd_update(
            params, grads, slots.get("momentum"),
            learning_rate=learning_rate, momentum=self.momentum, nesterov=self.nesterov,
        )  # fmt: skip
        return params, {} if velocities is None else {"momentum": velocities}

    def get_config(self) -> Config:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}

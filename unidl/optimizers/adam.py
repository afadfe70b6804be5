"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl.optimizers import step_numbers
from unidl.optimizers.optimizer import Optimizer
from unidl.tracing.feed import next_number
from unidl.typing import Config, LearningRate, Tensor
from unidl.utils.rules import BELOW_ONE, FLAG, NOT_NEGATIVE


def corrected_rate(rate: float, t: Any, beta_1: float, beta_2: float) -> float:
    """The learning rate with both bias corrections of update number t."""
    return rate * step_numbers.sqrt(1 - beta_2**t) / (1 - beta_1**t)


class Adam(Optimizer):
    """Kingma & Ba (arXiv:1412.6980), p -= lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v)
    + epsilon).

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_1: decay of the mean m of gradients.
        beta_2: decay of the mean v of squared gradients.
        epsilon: outside the root and not bias-corrected, the paper's "epsilon hat".
        amsgrad: the largest v so far instead of v (arXiv:1904.09237).
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
        >>> optimizer = unidl.optimizers.Adam(0.1)
        >>> optimizer.apply([np.array([1.0, -100.0])], [w])
        >>> w.numpy()  # the first step is as long as the rate, whatever the gradient
        array([0.9, 1.1], dtype=float32)
    """

    elementwise = True

    _rules: ClassVar = {
        "beta_1": BELOW_ONE,
        "beta_2": BELOW_ONE,
        "epsilon": NOT_NEGATIVE,
        "amsgrad": FLAG,
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-07,
        amsgrad: bool = False,
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
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def slot_groups(self) -> Any:
        return [("momentum", "velocity")] + [("velocity_hat",)] * bool(self.amsgrad)

    def _alpha(self) -> float:
        return corrected_rate(self._current_rate(), self._update_number(), self.beta_1, self.beta_2)

    def update(
        self,
        backend: Any,
        params: Any,
        grads: Sequence[Tensor | None],
        slots: Any,
        learning_rate: LearningRate,
    ) -> Any:
        names = ("momentum", "velocity", "velocity_hat")[: len(slots)]
        step = backend.amsgrad_update if self.amsgrad else backend.adam_update
        params, *moments = step(
            params, grads, *(slots[name] for name in names), alpha=next_number(self._alpha),
            beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon,
        )  # fmt: skip
        return params, dict(zip(names, moments, strict=True))

    def get_config(self) -> Config:
        own = ("beta_1", "beta_2", "epsilon", "amsgrad")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


class AdamW(Adam):
    """`Adam` with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101): before the step p
    -= p * weight_decay * lr.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_1: decay of the mean m of gradients.
        beta_2: decay of the mean v of squared gradients.
        epsilon: outside the root.
        amsgrad: the largest v so far instead of v (arXiv:1904.09237).
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
        >>> optimizer = unidl.optimizers.AdamW(0.1, weight_decay=0.5)
        >>> optimizer.apply([np.array([0.0])], [w])
        >>> w.numpy()  # decay alone: 1 - 0.1 * 0.5
        array([0.95], dtype=float32)
    """

    elementwise = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-07,
        amsgrad: bool = False,
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
        if weight_decay is None:
            raise ValueError(
                "AdamW: weight_decay is None, so nothing would decay. Use Adam, or a number such "
                "as 0.004."
            )
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue,
            global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name,
        )  # fmt: skip

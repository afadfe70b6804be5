"""Lion."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.optimizers.elementwise import PerParameter
from unidl.typing import LearningRate, Tensor, TensorLike
from unidl.utils.rules import SHARE


class Lion(PerParameter):
    """Chen et al. (arXiv:2302.06675): p -= lr * sign(beta_1 * m + (1 - beta_1) * g), then m =
    beta_2 * m + (1 - beta_2) * g.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_1: share of the mean m in the step, in (0, 1].
        beta_2: decay of m.
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
        >>> unidl.optimizers.Lion(0.1).apply([np.array([0.001, -100.0])], [w])
        >>> w.numpy()  # the sign alone counts
        array([0.9, 1.1], dtype=float32)
    """

    elementwise = True

    arguments = ("beta_1", "beta_2")

    _rules: ClassVar = {"beta_1": SHARE, "beta_2": SHARE}

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(
                f"Lion: beta_1 must be in (0, 1], got {beta_1}; otherwise the step would not use "
                "the momentum."
            )
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slot_groups(self) -> Any:
        return [("momentum",)]

    def step(self, backend: Any, p: Tensor, g: Tensor, learning_rate: Any, momentum: float) -> Any:
        def mix(beta: TensorLike) -> Any:
            return backend.add(backend.multiply(momentum, beta), backend.multiply(g, 1 - beta))

        return backend.subtract(
            p, backend.multiply(backend.sign(mix(self.beta_1)), learning_rate)
        ), {"momentum": mix(self.beta_2)}

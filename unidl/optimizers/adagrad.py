"""Adagrad and Adadelta."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.optimizers.elementwise import PerParameter
from unidl.typing import LearningRate, Tensor, TensorLike
from unidl.utils.rules import NOT_NEGATIVE, SHARE


class Adagrad(PerParameter):
    """Duchi et al. (JMLR 12, 2011): a = a + g**2, p -= lr * g / sqrt(a + epsilon).

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        initial_accumulator_value: of a.
        epsilon: inside the root.
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
        >>> optimizer = unidl.optimizers.Adagrad(0.1, initial_accumulator_value=0.0)
        >>> for _ in range(2):  # steps shrink as gradients add up
        ...     optimizer.apply([np.array([1.0, 100.0])], [w])
        ...     print(w.numpy())
        [0.9 0.9]
        [0.8293 0.8293]
    """

    elementwise = True

    arguments = ("initial_accumulator_value", "epsilon")

    _rules: ClassVar = {"initial_accumulator_value": NOT_NEGATIVE, "epsilon": NOT_NEGATIVE}

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-07,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slot_groups(self) -> Any:
        return [("accumulator",)]

    def initial_slot_value(self, name: str | None) -> Any:
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def step(
        self, backend: Any, p: Tensor, g: Tensor, learning_rate: Any, accumulator: TensorLike
    ) -> Any:
        accumulator = backend.add(accumulator, backend.square(g))
        change = backend.divide(
            backend.multiply(g, learning_rate), backend.sqrt(backend.add(accumulator, self.epsilon))
        )
        return backend.subtract(p, change), {"accumulator": accumulator}


class Adadelta(PerParameter):
    """Zeiler (arXiv:1212.5701): p -= lr * d, d = g * sqrt(b + epsilon) / sqrt(a + epsilon), a and b
    the means of g**2 and d**2.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        rho: decay of both means.
        epsilon: inside both roots.
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
        >>> optimizer = unidl.optimizers.Adadelta(learning_rate=1.0)  # the default of 0.001 is slow
        >>> optimizer.apply([np.array([100.0])], [w])
        >>> w.numpy()
        array([0.9986], dtype=float32)
    """

    elementwise = True

    arguments = ("rho", "epsilon")

    _rules: ClassVar = {"rho": SHARE, "epsilon": NOT_NEGATIVE}

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-07,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def slot_groups(self) -> Any:
        return [("accumulated_grad", "accumulated_delta_var")]

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        accumulated_grad: Any,
        accumulated_delta_var: Any,
    ) -> Any:
        def mean(old: Any, x: TensorLike) -> Any:
            return backend.add(
                backend.multiply(old, self.rho), backend.multiply(backend.square(x), 1 - self.rho)
            )

        def root(x: TensorLike) -> Any:
            return backend.sqrt(backend.add(x, self.epsilon))

        squares = mean(accumulated_grad, g)
        change = backend.divide(backend.multiply(root(accumulated_delta_var), g), root(squares))
        slots = {
            "accumulated_grad": squares,
            "accumulated_delta_var": mean(accumulated_delta_var, change),
        }
        return backend.subtract(p, backend.multiply(change, learning_rate)), slots

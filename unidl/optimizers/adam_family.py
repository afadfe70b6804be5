"""Adamax, Nadam, Lamb: Adam with another norm, a Nesterov step, or a step as long as the parameter
says."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.backend.frame import current
from unidl.optimizers import step_numbers
from unidl.optimizers.elementwise import PerParameter, moving_mean
from unidl.optimizers.host_variable import HostVariable
from unidl.tracing.feed import next_number
from unidl.typing import LearningRate, Tensor, TensorLike
from unidl.utils.rules import BELOW_ONE, NOT_NEGATIVE


class _Moments(PerParameter):
    """What the three have in common: arguments, and the number of the update.

    Args:
        beta_1, beta_2: decays of the means of gradients and of their sizes.
        epsilon: added to the divisor.

    The other arguments, by name, are `Optimizer`'s.
    """

    arguments: tuple[str, ...] = ("beta_1", "beta_2", "epsilon")

    _rules: ClassVar = {"beta_1": BELOW_ONE, "beta_2": BELOW_ONE, "epsilon": NOT_NEGATIVE}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-07,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> Any:
        return [("momentum", "velocity")]

    def _bias(self, beta: TensorLike) -> Any:
        return lambda: 1 - beta ** self._update_number()

    def _means(self, backend: Any, g: TensorLike, momentum: Any, velocity: TensorLike) -> Any:
        return moving_mean(backend, momentum, g, self.beta_1), moving_mean(
            backend, velocity, backend.square(g), self.beta_2
        )


class Adamax(_Moments):
    """Kingma & Ba (arXiv:1412.6980), section 7.1: u = max(beta_2 * u, |g|), p -= lr * m / ((1 -
    beta_1**t) * (u + epsilon)).

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_1: decay of the mean m of gradients.
        beta_2: decay of the largest gradient u.
        epsilon: added to u.
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
        >>> unidl.optimizers.Adamax(0.1).apply([np.array([1.0, -100.0])], [w])
        >>> w.numpy()
        array([0.9, 1.1], dtype=float32)
    """

    elementwise = True

    def slot_groups(self) -> Any:
        return [("momentum", "norm")]

    def numbers(self) -> Any:
        return {"bias": next_number(self._bias(self.beta_1))}

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        momentum: float,
        norm: Any,
        bias: TensorLike,
    ) -> Any:
        momentum = moving_mean(backend, momentum, g, self.beta_1)
        norm = backend.maximum(backend.multiply(norm, self.beta_2), backend.abs(g))
        divisor = backend.multiply(backend.add(norm, self.epsilon), bias)
        change = backend.divide(backend.multiply(momentum, learning_rate), divisor)
        return backend.subtract(p, change), {"momentum": momentum, "norm": norm}


class Nadam(_Moments):
    """Dozat (2016): Adam with Nesterov's step and the momentum u_t = beta_1 * (1 - 0.5 * 0.96**t).

    p -= lr * (u_(t+1) * m / (1 - U_(t+1)) + (1 - u_t) * g / (1 - U_t)) / (sqrt(v / (1 - beta_2**t))
    + epsilon), where U_t is the product of u_1 to u_t.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_1: decay of the mean m of gradients.
        beta_2: decay of the mean v of squared gradients.
        epsilon: outside the root.
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
        >>> unidl.optimizers.Nadam(0.1).apply([np.array([1.0])], [w])
        >>> w.numpy()
        array([0.8937], dtype=float32)
    """

    elementwise = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-07,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self._product, self._product_of = (
            HostVariable(1.0, "float64", "u_product", owner=self.name),
            0,
        )

    @property
    def variables(self) -> Any:
        """U_t is the last, as in Keras; read from a file it is overwritten by what follows from the
        number of the step."""
        return [*super().variables, self._product]

    def _momentum_at(self, t: Any) -> Any:
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def _product_at(self, t: Any) -> Any:
        if current().stateless is not None:
            before = step_numbers.as_float(self._product.value)
            return before * self._momentum_at(t)  # of the step before, as given
        if t not in (self._product_of, self._product_of + 1):  # the step was set: begin anew
            self._product.value, self._product_of = 1.0, 0
        for i in range(self._product_of + 1, t + 1):
            self._product.value *= self._momentum_at(i)
        self._product_of = t
        return self._product.value

    def _of_momentum(self) -> Any:
        t = self._update_number()
        product, following = self._product_at(t), self._momentum_at(t + 1)
        return following / (1 - product * following)

    def _of_gradient(self) -> Any:
        t = self._update_number()
        return (1 - self._momentum_at(t)) / (1 - self._product_at(t))

    def numbers(self) -> Any:
        sources = {
            "of_momentum": self._of_momentum,
            "of_gradient": self._of_gradient,
            "bias": self._bias(self.beta_2),
        }
        found = {name: next_number(source) for name, source in sources.items()}
        if current().stateless is not None:
            self._move_product()
        return found

    def _move_product(self) -> None:
        """Let U_t be the last, in a scope: unless this step only gathers gradients."""
        after, every = self._product_at(self._update_number()), self.gradient_accumulation_steps
        if every:
            is_update = self._steps.value % every == 0
            after = step_numbers.choose(is_update, after, self._product.value)
        self._product.value = after

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        momentum: float,
        velocity: TensorLike,
        of_momentum: Any,
        of_gradient: Any,
        bias: TensorLike,
    ) -> Any:
        momentum, velocity = self._means(backend, g, momentum, velocity)
        direction = backend.add(
            backend.multiply(momentum, of_momentum), backend.multiply(g, of_gradient)
        )
        divisor = backend.add(backend.sqrt(backend.divide(velocity, bias)), self.epsilon)
        change = backend.divide(backend.multiply(direction, learning_rate), divisor)
        return backend.subtract(p, change), {"momentum": momentum, "velocity": velocity}


class Lamb(_Moments):
    """You et al. (arXiv:1904.00962): p -= lr * |p| / |r| * r, r being Adam's step; the ratio is 1
    where a norm is 0.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: outside the root.
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
        >>> w = unidl.Variable([3.0, 4.0])
        >>> unidl.optimizers.Lamb(0.1).apply([np.array([1.0, 1.0])], [w])
        >>> w.numpy()  # the step is a share of the weight's norm, 5
        array([2.6464, 3.6464], dtype=float32)
    """

    def numbers(self) -> Any:
        return {
            "bias_1": next_number(self._bias(self.beta_1)),
            "bias_2": next_number(self._bias(self.beta_2)),
        }

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        momentum: float,
        velocity: TensorLike,
        bias_1: Any,
        bias_2: Any,
    ) -> Any:
        momentum, velocity = self._means(backend, g, momentum, velocity)
        divisor = backend.add(backend.sqrt(backend.divide(velocity, bias_2)), self.epsilon)
        change = backend.divide(backend.divide(momentum, bias_1), divisor)
        of_p, of_change = (backend.sqrt(backend.sum(backend.square(x))) for x in (p, change))
        one = backend.full_like(of_p, 1)
        usable = backend.logical_and(backend.greater(of_p, 0), backend.greater(of_change, 0))
        ratio = backend.where(
            usable, backend.divide(of_p, backend.where(usable, of_change, one)), one
        )
        change = backend.multiply(backend.multiply(change, ratio), learning_rate)
        return backend.subtract(p, change), {"momentum": momentum, "velocity": velocity}

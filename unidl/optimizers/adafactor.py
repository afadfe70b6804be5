"""Adafactor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unidl.optimizers import step_numbers
from unidl.optimizers.elementwise import PerParameter
from unidl.tracing.feed import next_number
from unidl.typing import LearningRate, Tensor, TensorLike
from unidl.utils.rules import FLAG, NOT_NEGATIVE, NUMBER, POSITIVE

if TYPE_CHECKING:
    from unidl.backend.variable import Variable


class Adafactor(PerParameter):
    """Shazeer & Stern (arXiv:1804.04235): the mean of squared gradients, of matrices as the product
    of means of rows and columns.

    p -= max(epsilon_2, rms(p)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / clip_threshold), u = g
    / sqrt(v), where v is the mean of g**2 + epsilon_1 with the decay 1 - t**beta_2_decay; of two
    axes or more that of rows and columns, r and c, over the last two, and v = r / mean(r) * c.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        beta_2_decay: below 0.
        epsilon_1: keeps divisors from 0.
        epsilon_2: keeps steps from 0.
        clip_threshold: limit of rms(u).
        relative_step: part of Keras' signature; the rate is at most 1 / sqrt(t) in any case.
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
        >>> w = unidl.Variable(np.ones((4, 6)))
        >>> optimizer = unidl.optimizers.Adafactor()
        >>> optimizer.apply([np.ones((4, 6))], [w])
        >>> w.numpy()[:1]
        array([[0.999, 0.999, 0.999, 0.999, 0.999, 0.999]])
    """

    arguments = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    _rules: ClassVar = {
        "beta_2_decay": NUMBER,
        "epsilon_1": NOT_NEGATIVE,
        "epsilon_2": NOT_NEGATIVE,
        "clip_threshold": POSITIVE,
        "relative_step": FLAG,
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def slot_groups(self) -> Any:
        return [("r", "c", "velocity")]

    def slot_shape(self, name: str | None, variable: Variable) -> Any:
        shape = tuple(variable.shape)
        if name == "velocity":
            return shape
        if len(shape) < 2:
            return ()  # not used; Keras has them too
        return shape[:-1] if name == "r" else (*shape[:-2], shape[-1])

    def _rate(self) -> Any:
        return step_numbers.least(self._current_rate(), self._update_number() ** -0.5)

    def numbers(self) -> Any:
        return {
            "rate": next_number(self._rate),
            "new": next_number(lambda: self._update_number() ** self.beta_2_decay),
        }

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        r: Any,
        c: TensorLike,
        velocity: TensorLike,
        rate: float,
        new: Any,
    ) -> Any:
        def moved(mean: TensorLike, value: Any) -> Any:
            return backend.add(mean, backend.multiply(backend.subtract(value, mean), new))

        squares = backend.add(backend.square(g), self.epsilon_1)
        if len(p.shape) < 2:
            velocity = moved(velocity, squares)
        else:
            r, c = (
                moved(r, backend.mean(squares, axis=-1)),
                moved(c, backend.mean(squares, axis=-2)),
            )
            rows = backend.divide(r, backend.mean(r, axis=-1, keepdims=True))
            velocity = backend.multiply(backend.expand_dims(rows, -1), backend.expand_dims(c, -2))
        u = backend.divide(g, backend.sqrt(velocity))
        clipped = backend.divide(
            u, backend.maximum(backend.divide(_rms(backend, u), self.clip_threshold), 1.0)
        )
        size = backend.multiply(backend.maximum(_rms(backend, p), self.epsilon_2), rate)
        return backend.subtract(p, backend.multiply(clipped, size)), {
            "r": r,
            "c": c,
            "velocity": velocity,
        }


def _rms(backend: Any, x: TensorLike) -> Any:
    return backend.sqrt(backend.mean(backend.square(x)))

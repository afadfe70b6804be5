"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from unidl.optimizers.adam import corrected_rate
from unidl.optimizers.elementwise import PerParameter, moving_mean
from unidl.tracing.feed import next_number
from unidl.typing import LearningRate, Tensor, TensorLike
from unidl.utils.rules import BELOW_ONE, COUNT, FLAG, NOT_NEGATIVE, SHARE

if TYPE_CHECKING:
    from unidl.backend.variable import Variable


class Muon(PerParameter):
    """Orthogonalized momentum for matrices (Jordan et al. 2024; Liu et al., arXiv:2502.16982),
    AdamW for everything else.

    m = momentum * m + g; p -= lr * rms_rate * sqrt(max(rows, columns)) * o, where o is what
    `ns_steps` steps of Newton and Schulz, x = a x + (b x x^T + c (x x^T)^2) x, make of m, or of g +
    momentum * m with `nesterov`.

    Args:
        learning_rate: a number, `LearningRateSchedule`, function without arguments, or Variable.
        adam_beta_1, adam_beta_2, epsilon: AdamW's.
        adam_weight_decay, weight_decay: of what AdamW updates, and of the matrices.
        exclude_layers: regular expressions; AdamW updates matrices whose path contains a match.
        exclude_embeddings: also those with "embedding" in their path.
        muon_a, muon_b, muon_c: a, b and c.
        adam_lr_ratio: AdamW's learning rate as a fraction of `learning_rate`.
        momentum, ns_steps, nesterov: above.
        rms_rate: above; None: p -= lr * o.
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
        >>> w = unidl.Variable(np.zeros((2, 2)))
        >>> optimizer = unidl.optimizers.Muon(1.0)
        >>> optimizer.apply([np.array([[2.0, 0.0], [0.0, 1.0]])], [w])
        >>> w.numpy()  # the gradient's own ratio was 2
        array([[-0.1948,  0.    ],
               [ 0.    , -0.3151]])
    """

    arguments = (
        "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c",
        "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "exclude_embeddings",
        "adam_weight_decay", "rms_rate",
    )  # fmt: skip

    _rules: ClassVar = {
        "adam_beta_1": BELOW_ONE,
        "adam_beta_2": BELOW_ONE,
        "epsilon": NOT_NEGATIVE,
        "momentum": SHARE,
        "ns_steps": COUNT,
        "nesterov": FLAG,
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = exclude_layers or [], exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = (
            momentum,
            ns_steps,
            nesterov,
            rms_rate,
        )

    def _is_adams(self, variable: Any) -> bool:
        patterns = [*self.exclude_layers, *["(?i:embedding)"] * bool(self.exclude_embeddings)]
        return len(variable.shape) != 2 or any(
            re.search(pattern, variable.path) for pattern in patterns
        )

    def slot_groups(self) -> Any:
        return [("momentum", "velocity")]

    def slot_shape(self, name: str | None, variable: Variable) -> Any:
        return tuple(variable.shape) if name == "momentum" or self._is_adams(variable) else None

    def weight_decay_of(self, variable: Variable) -> Any:
        return self.adam_weight_decay if self._is_adams(variable) else self.weight_decay

    def _alpha(self) -> Any:
        return corrected_rate(
            self._current_rate() * self.adam_lr_ratio,
            self._update_number(),
            self.adam_beta_1,
            self.adam_beta_2,
        )

    def numbers(self) -> Any:
        return {"alpha": next_number(self._alpha)}

    def step(
        self,
        backend: Any,
        p: Tensor,
        g: Tensor,
        learning_rate: Any,
        momentum: float,
        velocity: TensorLike,
        alpha: float,
    ) -> Any:
        if velocity is None:
            momentum = backend.add(backend.multiply(momentum, self.momentum), g)
            ahead = (
                backend.add(backend.multiply(momentum, self.momentum), g)
                if self.nesterov
                else momentum
            )
            change = backend.multiply(self._orthogonal(backend, ahead), learning_rate)
            if self.rms_rate is not None:
                change = backend.multiply(change, math.sqrt(max(p.shape)) * self.rms_rate)
        else:
            momentum = moving_mean(backend, momentum, g, self.adam_beta_1)
            velocity = moving_mean(backend, velocity, backend.square(g), self.adam_beta_2)
            change = backend.divide(
                backend.multiply(momentum, alpha), backend.add(backend.sqrt(velocity), self.epsilon)
            )
        return backend.subtract(p, change), {"momentum": momentum, "velocity": velocity}

    def _orthogonal(self, backend: Any, x: TensorLike) -> Any:
        """About u v^T of the singular value decomposition of x = u s v^T."""
        rows, columns = backend.shape(x)
        if rows > columns:
            x = backend.transpose(x, (1, 0))
        x = backend.divide(x, backend.add(backend.sqrt(backend.sum(backend.square(x))), 1e-7))
        for _ in range(self.ns_steps):
            square = backend.matmul(x, backend.transpose(x, (1, 0)))
            fourth = backend.matmul(square, square)
            factor = backend.add(
                backend.multiply(square, self.muon_b), backend.multiply(fourth, self.muon_c)
            )
            x = backend.add(backend.multiply(x, self.muon_a), backend.matmul(factor, x))
        return backend.transpose(x, (1, 0)) if rows > columns else x

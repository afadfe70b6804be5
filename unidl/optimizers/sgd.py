"""Gradient descent."""

from __future__ import annotations

from unidl.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """p -= lr * g; with momentum v = momentum * v - lr * g and p += v, or p += momentum * v - lr * g with `nesterov`.

    Args:
        momentum: in [0, 1].
        nesterov: look ahead (Sutskever et al. 2013).

    The other arguments are `Optimizer`'s.
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
    ):
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name,
        )  # fmt: skip
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be in [0, 1], got {momentum}.")
        self.momentum, self.nesterov = momentum, nesterov

    def slot_groups(self):
        return [("momentum",)] if self.momentum else []

    def update(self, backend, params, grads, slots, learning_rate):
        params, velocities = backend.sgd_update(
            params, grads, slots.get("momentum"),
            learning_rate=learning_rate, momentum=self.momentum, nesterov=self.nesterov,
        )  # fmt: skip
        return params, {} if velocities is None else {"momentum": velocities}

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}

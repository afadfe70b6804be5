"""RMSprop."""

from __future__ import annotations

from unidl.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Tieleman & Hinton (2012): v = rho * v + (1 - rho) * g**2, p -= lr * g / sqrt(v + epsilon).

    Args:
        rho: decay of the mean v of squared gradients.
        momentum: of the steps; 0 for none.
        epsilon: inside the root.
        centered: divide by the variance instead, v - mean(g)**2.

    The other arguments are `Optimizer`'s.
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-07,
        centered=False,
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
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_groups(self):
        return (
            [("velocity",)]
            + [("momentum",)] * (self.momentum > 0)
            + [("average_gradient",)] * bool(self.centered)
        )

    def update(self, backend, params, grads, slots, learning_rate):
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

    def get_config(self):
        own = ("rho", "momentum", "epsilon", "centered")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}

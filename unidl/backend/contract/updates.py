"""Optimizer arithmetic over whole lists of parameters, so that an adapter can hand the list to one
fused kernel.

Every function takes and returns lists of tensors and must give exactly what the default body gives.
Overrides may work in place on the parameters and slots, which belong to the variables alone;
gradients are never changed. `learning_rate` and the other step-dependent factors are Python
numbers, or in a trace 0-d tensors of any float dtype, which are cast to the parameter's; all other
arguments are Python numbers.
"""

from __future__ import annotations

from abc import ABC


class Updates(ABC):
    def _factor(self, factor, x):
        """A step-dependent factor in x's dtype."""
        return factor if isinstance(factor, (int, float)) else self.cast(factor, self.dtype(x))

    def sgd_update(self, params, grads, velocities, *, learning_rate, momentum, nesterov):
        """-> (params, velocities); `velocities` is None without momentum."""
        steps = [self.multiply(g, self._factor(learning_rate, g)) for g in grads]
        if velocities is None:
            return [self.subtract(p, step) for p, step in zip(params, steps, strict=True)], None
        new_params, new_velocities = [], []
        for p, step, v in zip(params, steps, velocities, strict=True):
            v = self.subtract(self.multiply(v, momentum), step)
            new_velocities.append(v)
            new_params.append(
                self.add(p, self.subtract(self.multiply(v, momentum), step) if nesterov else v)
            )
        return new_params, new_velocities

    def adam_update(self, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
        """Kingma & Ba (arXiv:1412.6980), section 2's efficient form: p -= alpha * m / (sqrt(v) +
        epsilon).

        `alpha` is lr * sqrt(1 - beta_2**t) / (1 - beta_1**t). -> (params, m, v).
        """
        m, v = self._adam_moments(grads, m, v, beta_1, beta_2)
        return self._adam_steps(params, m, v, alpha, epsilon), m, v

    def amsgrad_update(self, params, grads, m, v, v_hat, *, alpha, beta_1, beta_2, epsilon):
        """`adam_update` with the largest v so far, v_hat, under the root (Reddi et al.,
        arXiv:1904.09237).

        -> (params, m, v, v_hat).
        """
        m, v = self._adam_moments(grads, m, v, beta_1, beta_2)
        v_hat = [self.maximum(a, b) for a, b in zip(v_hat, v, strict=True)]
        return self._adam_steps(params, m, v_hat, alpha, epsilon), m, v, v_hat

    def _adam_moments(self, grads, m, v, beta_1, beta_2):
        m = [
            self.add(a, self.multiply(self.subtract(g, a), 1 - beta_1))
            for a, g in zip(m, grads, strict=True)
        ]
        v = [
            self.add(a, self.multiply(self.subtract(self.square(g), a), 1 - beta_2))
            for a, g in zip(v, grads, strict=True)
        ]
        return m, v

    def _adam_steps(self, params, m, v, alpha, epsilon):
        new_params = []
        for p, m_i, v_i in zip(params, m, v, strict=True):
            step = self.divide(
                self.multiply(m_i, self._factor(alpha, p)), self.add(self.sqrt(v_i), epsilon)
            )
            new_params.append(self.subtract(p, step))
        return new_params

    def rmsprop_update(self, params, grads, v, *, learning_rate, rho, epsilon):
        """Tieleman & Hinton (2012): p -= lr * g / sqrt(v + epsilon). -> (params, v)."""
        params, v, _, _ = self.rmsprop_full_update(
            params,
            grads,
            v,
            None,
            None,
            learning_rate=learning_rate,
            rho=rho,
            momentum=0.0,
            epsilon=epsilon,
        )
        return params, v

    def rmsprop_full_update(
        self, params, grads, v, momenta, means, *, learning_rate, rho, momentum, epsilon
    ):
        """`rmsprop_update` with momentum on the steps, and with `means` (of the gradients) with v -
        mean**2 for v.

        `momenta` and `means` are lists, or None without. -> (params, v, momenta, means).
        """
        v = [
            self.add(self.multiply(a, rho), self.multiply(self.square(g), 1 - rho))
            for a, g in zip(v, grads, strict=True)
        ]
        spread = v
        if means is not None:
            means = [
                self.add(self.multiply(a, rho), self.multiply(g, 1 - rho))
                for a, g in zip(means, grads, strict=True)
            ]
            spread = [self.subtract(a, self.square(b)) for a, b in zip(v, means, strict=True)]
        steps = [
            self.divide(
                self.multiply(g, self._factor(learning_rate, g)), self.sqrt(self.add(s, epsilon))
            )
            for g, s in zip(grads, spread, strict=True)
        ]
        if momenta is not None:
            steps = momenta = [
                self.add(self.multiply(a, momentum), step)
                for a, step in zip(momenta, steps, strict=True)
            ]
        return (
            [self.subtract(p, step) for p, step in zip(params, steps, strict=True)],
            v,
            momenta,
            means,
        )

    def decay_update(self, params, *, factor):
        """Decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101): p -= p * factor. ->
        params."""
        return [self.subtract(p, self.multiply(p, self._factor(factor, p))) for p in params]

    def average_update(self, averages, params, *, momentum):
        """Exponential moving averages: momentum * average + (1 - momentum) * p. -> averages
        (sharing no memory with p)."""
        new = []
        for average, p in zip(averages, params, strict=True):
            step = self.multiply(self.subtract(p, average), self._factor(momentum, p))
            new.append(self.subtract(p, step))
        return new

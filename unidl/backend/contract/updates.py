"""Optimizer arithmetic over whole lists of parameters, so that an adapter can hand the list to one fused kernel.

Every function takes and returns lists of tensors and must give exactly what the default body gives. Overrides may work in
place on the parameters and slots, which belong to the variables alone; gradients are never changed. `learning_rate` and
the other step-dependent factors are Python numbers or 0-d tensors.
"""

from __future__ import annotations

from abc import ABC


class Updates(ABC):
    def sgd_update(self, params, grads, velocities, *, learning_rate, momentum, nesterov):
        """-> (params, velocities); `velocities` is None without momentum."""
        if velocities is None:
            return [self.subtract(p, self.multiply(g, learning_rate)) for p, g in zip(params, grads, strict=True)], None
        new_params, new_velocities = [], []
        for p, g, v in zip(params, grads, velocities, strict=True):
            step = self.multiply(g, learning_rate)
            v = self.subtract(self.multiply(v, momentum), step)
            new_velocities.append(v)
            new_params.append(self.add(p, self.subtract(self.multiply(v, momentum), step) if nesterov else v))
        return new_params, new_velocities

    def adam_update(self, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
        """Kingma & Ba (arXiv:1412.6980), section 2's efficient form: p -= alpha * m / (sqrt(v) + epsilon).

        `alpha` is lr * sqrt(1 - beta_2**t) / (1 - beta_1**t). -> (params, m, v).
        """
        out = [], [], []
        for p, g, m_i, v_i in zip(params, grads, m, v, strict=True):
            m_i = self.add(m_i, self.multiply(self.subtract(g, m_i), 1 - beta_1))
            v_i = self.add(v_i, self.multiply(self.subtract(self.square(g), v_i), 1 - beta_2))
            step = self.divide(self.multiply(m_i, alpha), self.add(self.sqrt(v_i), epsilon))
            for column, value in zip(out, (self.subtract(p, step), m_i, v_i), strict=True):
                column.append(value)
        return out

    def rmsprop_update(self, params, grads, v, *, learning_rate, rho, epsilon):
        """Tieleman & Hinton (2012): p -= lr * g / sqrt(v + epsilon). -> (params, v)."""
        new_params, new_v = [], []
        for p, g, v_i in zip(params, grads, v, strict=True):
            v_i = self.add(self.multiply(v_i, rho), self.multiply(self.square(g), 1 - rho))
            step = self.divide(self.multiply(g, learning_rate), self.sqrt(self.add(v_i, epsilon)))
            new_params.append(self.subtract(p, step))
            new_v.append(v_i)
        return new_params, new_v

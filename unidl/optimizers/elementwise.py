"""Optimizers whose update is a formula on one parameter at a time, written over the contract's arithmetic."""

from __future__ import annotations

from unidl.optimizers.optimizer import Optimizer


class PerParameter(Optimizer):
    """Subclasses implement `slot_groups` and `step`, and list their own arguments in `arguments`."""

    arguments: tuple[str, ...] = ()

    def numbers(self) -> dict:
        """What changes from step to step besides the learning rate: {name: number from `next_number`}."""
        return {}

    def step(self, backend, p, g, learning_rate, **slots_and_numbers):
        """(p, {slot: value}) after one update of the parameter p with the gradient g."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement step(backend, p, g, learning_rate, **slots)."
        )

    def update(self, backend, params, grads, slots, learning_rate):
        numbers = self.numbers()
        new_params, new_slots = [], {name: [] for name in slots}
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            factors = {name: backend._factor(number, p) for name, number in numbers.items()}
            own = {name: values[i] for name, values in slots.items()}
            p, own = self.step(backend, p, g, backend._factor(learning_rate, p), **own, **factors)
            new_params.append(p)
            for name, value in own.items():
                new_slots[name].append(value)
        return new_params, new_slots

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}


def moving_mean(backend, mean, value, decay):
    """decay * mean + (1 - decay) * value."""
    return backend.add(mean, backend.multiply(backend.subtract(value, mean), 1 - decay))

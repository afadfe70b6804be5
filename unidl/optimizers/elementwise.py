"""Optimizers whose update is a formula on one parameter at a time, written over the contract's
arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.optimizers.optimizer import Optimizer
from unidl.typing import Config, LearningRate, Tensor, TensorLike, any_arguments


class PerParameter(Optimizer):
    """Subclasses implement `slot_groups` and `step`, and list their own arguments in
    `arguments`."""

    arguments: tuple[str, ...] = ()

    def numbers(self) -> dict:
        """What changes from step to step besides the learning rate: {name: number from
        `next_number`}."""
        return {}

    @any_arguments
    def step(
        self, backend: Any, p: Tensor, g: Tensor, learning_rate: Any, **slots_and_numbers: Any
    ) -> Any:
        """(p, {slot: value}) after one update of the parameter p with the gradient g."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement step(backend, p, g, learning_rate, **slots)."
        )

    def update(
        self,
        backend: Any,
        params: Any,
        grads: Sequence[Tensor | None],
        slots: Any,
        learning_rate: LearningRate,
    ) -> Any:
        numbers = self.numbers()
        new_params: list[Any] = []
        new_slots: dict[str, list[Any]] = {name: [] for name in slots}
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            factors = {name: backend._factor(number, p) for name, number in numbers.items()}
            own = {name: values[i] for name, values in slots.items()}
            p, own = self.step(backend, p, g, backend._factor(learning_rate, p), **own, **factors)
            new_params.append(p)
            for name, value in own.items():
                new_slots[name].append(value)
        return new_params, new_slots

    def get_config(self) -> Config:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}


def moving_mean(backend: Any, mean: TensorLike, value: TensorLike, decay: Any) -> Any:
    """decay * mean + (1 - decay) * value."""
    return backend.add(mean, backend.multiply(backend.subtract(value, mean), 1 - decay))

"""Several losses of one output, which `compile` was given as a list."""

from __future__ import annotations

from collections.abc import Iterable

from unidl import ops
from unidl.losses.loss import Loss
from unidl.typing import Tensor, TensorLike


class LossSum(Loss):
    """The sum of `losses`, each reduced as it says itself."""

    def __init__(self, losses: Iterable[Loss]) -> None:
        losses = list(losses)
        super().__init__(name="_and_".join(loss.name for loss in losses))
        # In attributes of their own, where a changed attribute of theirs is noticed.
        for number, loss in enumerate(losses):
            setattr(self, f"loss_{number}", loss)

    @property
    def losses(self) -> list[Loss]:
        return [each for each in vars(self).values() if isinstance(each, Loss)]

    def __call__(  # type: ignore[override]
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> Tensor:
        total, *others = (loss(y_true, y_pred, sample_weight) for loss in self.losses)
        for other in others:
            total = ops.add(total, other)
        return total

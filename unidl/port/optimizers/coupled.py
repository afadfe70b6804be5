"""A decay of weights that is part of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from unidl import optimizers
from unidl.utils.constructors import Constructed
from unidl.utils.rules import NOT_NEGATIVE


class Coupled(Constructed):
    """Mixed into an optimizer: l2 * p is added to the gradient of each parameter p.

    Args:
        l2: how much.

    The other arguments are the optimizer's.
    """

    _rules: ClassVar = {"l2": NOT_NEGATIVE}

    def __init__(self, *args: Any, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update(
        self, backend: Any, params: Any, grads: Sequence[Any], slots: Any, learning_rate: Any
    ) -> Any:
        if self.l2:
            pairs = zip(params, grads, strict=True)
            grads = [backend.add(g, backend.multiply(p, self.l2)) for p, g in pairs]
        return super().update(backend, params, grads, slots, learning_rate)  # type: ignore[misc]

    def get_config(self) -> Any:
        return {**super().get_config(), "l2": self.l2}  # type: ignore[misc]


class CoupledSGD(Coupled, optimizers.SGD):
    """`SGD` with `l2`."""


class CoupledAdam(Coupled, optimizers.Adam):
    """`Adam` with `l2`."""


class CoupledRMSprop(Coupled, optimizers.RMSprop):
    """`RMSprop` with `l2`."""


class CoupledAdadelta(Coupled, optimizers.Adadelta):
    """`Adadelta` with `l2`."""


class CoupledAdamax(Coupled, optimizers.Adamax):
    """`Adamax` with `l2`."""

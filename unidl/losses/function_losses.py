"""The other functions as losses."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.losses import divergence, regression
from unidl.losses.loss import NamedLoss
from unidl.typing import Axis, DType
from unidl.utils.rules import AXIS, NOT_NEGATIVE, POSITIVE, optional


def _loss(fn: Any, class_name: Any, default_name: Any = None) -> Any:
    """A class with Keras' constructor (reduction, name, dtype) for a function without arguments of
    its own."""

    class Named(NamedLoss):
        def __init__(
            self,
            reduction: Any = "sum_over_batch_size",
            name: str = default_name or fn.__name__,
            dtype: DType | None = None,
        ) -> None:
            super().__init__(fn, reduction, name, dtype)

    Named.__name__ = Named.__qualname__ = class_name
    Named.__doc__ = f"{fn.__doc__.strip()}\n\nSee `{fn.__name__}`."
    return Named


MeanSquaredError = _loss(regression.mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _loss(regression.mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _loss(
    regression.mean_absolute_percentage_error, "MeanAbsolutePercentageError"
)
MeanSquaredLogarithmicError = _loss(
    regression.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError"
)
LogCosh = _loss(regression.log_cosh, "LogCosh")
Poisson = _loss(regression.poisson, "Poisson")
KLDivergence = _loss(divergence.kl_divergence, "KLDivergence")
Hinge = _loss(divergence.hinge, "Hinge")
SquaredHinge = _loss(divergence.squared_hinge, "SquaredHinge")
CategoricalHinge = _loss(divergence.categorical_hinge, "CategoricalHinge")


class Huber(NamedLoss):
    """Quadratic for errors up to `delta`, linear beyond. See `huber`."""

    arguments = ("delta",)

    _rules: ClassVar = {"delta": POSITIVE}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(regression.huber, reduction, name, dtype, delta=delta)


class CosineSimilarity(NamedLoss):
    """Minus the cosine of the angle along `axis`. See `cosine_similarity`."""

    arguments = ("axis",)

    _rules: ClassVar = {"axis": AXIS}

    def __init__(
        self,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(regression.cosine_similarity, reduction, name, dtype, axis=axis)


class Dice(NamedLoss):
    """Overlap of two sets. See `dice`."""

    arguments = ("axis",)

    _rules: ClassVar = {"axis": optional(AXIS)}

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axis | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(divergence.dice, reduction, name, dtype, axis=axis)


class Tversky(NamedLoss):
    """Overlap of two sets with weights. See `tversky`."""

    arguments = ("alpha", "beta", "axis")

    _rules: ClassVar = {"alpha": NOT_NEGATIVE, "beta": NOT_NEGATIVE, "axis": optional(AXIS)}

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axis | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            divergence.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis
        )

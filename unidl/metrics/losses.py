"""Losses as metrics: the weighted mean over all samples of an epoch."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl import ops
from unidl.losses import crossentropy, divergence, regression
from unidl.losses.tensors import as_float, together
from unidl.metrics.reduction import Mean, NamedMean
from unidl.ops.dispatch import backend_of
from unidl.typing import Axis, DType, Tensor, TensorLike
from unidl.utils.rules import AXIS


def _metric(fn: Any, class_name: Any, default_name: Any = None) -> Any:
    """A class with Keras' constructor (name, dtype) for a function without arguments of its own."""

    class Named(NamedMean):
        def __init__(
            self, name: str = default_name or fn.__name__, dtype: DType | None = None
        ) -> None:
            super().__init__(fn, name, dtype)

    Named.__name__ = Named.__qualname__ = class_name
    Named.__doc__ = f"The mean over all samples of `losses.{fn.__name__}`: {fn.__doc__.strip()}"
    return Named


MeanSquaredError = _metric(regression.mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _metric(regression.mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _metric(
    regression.mean_absolute_percentage_error, "MeanAbsolutePercentageError"
)
MeanSquaredLogarithmicError = _metric(
    regression.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError"
)
LogCoshError = _metric(regression.log_cosh, "LogCoshError", "logcosh")
Poisson = _metric(regression.poisson, "Poisson")
KLDivergence = _metric(divergence.kl_divergence, "KLDivergence")
Hinge = _metric(divergence.hinge, "Hinge")
SquaredHinge = _metric(divergence.squared_hinge, "SquaredHinge")
CategoricalHinge = _metric(divergence.categorical_hinge, "CategoricalHinge")


def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: Axis = -1) -> Tensor:
    """The cosine of the angle along `axis` (the loss of this name is its negative)."""
    return ops.negative(regression.cosine_similarity(y_true, y_pred, axis))


class CosineSimilarity(NamedMean):
    """The mean cosine of the angle along `axis`."""

    _rules: ClassVar = {"axis": AXIS}

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: DType | None = None, axis: Axis = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of (p - t)**2 over all elements."""

    def __init__(
        self, name: str | None = "root_mean_squared_error", dtype: DType | None = None
    ) -> None:
        super().__init__(name, dtype)

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        backend = backend_of([y_pred, y_true])
        with backend.scope():
            y_true, y_pred = together(y_true, as_float(backend, y_pred, self.dtype))
            super().update_state(ops.square(ops.subtract(y_pred, y_true)), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())


class BinaryCrossentropy(NamedMean):
    """The mean over all samples of `losses.binary_crossentropy`."""

    arguments = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: DType | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            crossentropy.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(NamedMean):
    """The mean over all samples of `losses.categorical_crossentropy`."""

    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: DType | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: Axis = -1,
    ) -> None:
        super().__init__(
            crossentropy.categorical_crossentropy, name, dtype,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class SparseCategoricalCrossentropy(NamedMean):
    """The mean over all samples of `losses.sparse_categorical_crossentropy`."""

    arguments = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DType | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: Axis = -1,
    ) -> None:
        super().__init__(
            crossentropy.sparse_categorical_crossentropy, name, dtype,
            from_logits=from_logits, ignore_class=ignore_class, axis=axis,
        )  # fmt: skip

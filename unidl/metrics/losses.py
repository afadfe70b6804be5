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


def _metric(
    fn: Any, class_name: str, given: str, gives: str, default_name: str | None = None
) -> Any:
    """A class with Keras' constructor (name, dtype) for a function without arguments of its own.
    Its example: after `update_state` of the arguments `given` the result prints `gives`."""

    class Named(NamedMean):
        def __init__(
            self, name: str = default_name or fn.__name__, dtype: DType | None = None
        ) -> None:
            super().__init__(fn, name, dtype)

    Named.__name__ = Named.__qualname__ = class_name
    about = fn.__doc__.partition("Examples:")[0].strip()
    Named.__doc__ = f"""The mean over all samples of `losses.{fn.__name__}`: {about}

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.{class_name}()
        >>> metric.update_state({given})
        >>> metric.result()
        {gives}
    """
    return Named


MeanSquaredError = _metric(
    regression.mean_squared_error,
    "MeanSquaredError",
    "[[1.0, 2.0], [0.0, 0.0]], [[2.0, 5.0], [0.0, 1.0]]",
    "array(2.75, dtype=float32)",
)
MeanAbsoluteError = _metric(
    regression.mean_absolute_error,
    "MeanAbsoluteError",
    "[[1.0, 2.0], [0.0, 0.0]], [[2.0, 5.0], [0.0, 1.0]]",
    "array(1.25, dtype=float32)",
)
MeanAbsolutePercentageError = _metric(
    regression.mean_absolute_percentage_error,
    "MeanAbsolutePercentageError",
    "[[2.0], [4.0]], [[3.0], [4.0]]",
    "array(25., dtype=float32)",
)
MeanSquaredLogarithmicError = _metric(
    regression.mean_squared_logarithmic_error,
    "MeanSquaredLogarithmicError",
    "[[0.0], [0.0]], [[0.0], [np.e - 1]]",
    "array(0.5, dtype=float32)",
)
LogCoshError = _metric(
    regression.log_cosh,
    "LogCoshError",
    "[[0.0], [0.0]], [[0.1], [10.0]]",
    "array(4.6559, dtype=float32)",
    "logcosh",
)
Poisson = _metric(
    regression.poisson,
    "Poisson",
    "[[2.0], [2.0]], [[2.0], [4.0]]",
    "array(0.9206, dtype=float32)",
)
KLDivergence = _metric(
    divergence.kl_divergence,
    "KLDivergence",
    "[[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.9, 0.1]]",
    "array(0.2554, dtype=float32)",
)
Hinge = _metric(
    divergence.hinge,
    "Hinge",
    "[[1.0], [0.0]], [[0.5], [-3.0]]",
    "array(0.25, dtype=float32)",
)
SquaredHinge = _metric(
    divergence.squared_hinge,
    "SquaredHinge",
    "[[1.0], [0.0]], [[0.5], [-3.0]]",
    "array(0.125, dtype=float32)",
)
CategoricalHinge = _metric(
    divergence.categorical_hinge,
    "CategoricalHinge",
    "[[0.0, 1.0, 0.0]], [[0.5, 0.8, 0.1]]",
    "array(0.7, dtype=float32)",
)


def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: Axis = -1) -> Tensor:
    """The cosine of the angle along `axis` (the loss of this name is its negative)."""
    return ops.negative(regression.cosine_similarity(y_true, y_pred, axis))


class CosineSimilarity(NamedMean):
    """The mean cosine of the angle along `axis`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        axis: along which vectors lie.

    Examples:
        >>> metric = unidl.metrics.CosineSimilarity()
        >>> metric.update_state([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]])
        >>> metric.result()  # the loss of this name is the negative
        array(0.5, dtype=float32)
    """

    _rules: ClassVar = {"axis": AXIS}

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: DType | None = None, axis: Axis = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of (p - t)**2 over all elements.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.RootMeanSquaredError()
        >>> metric.update_state([[0.0], [0.0]], [[3.0], [4.0]])
        >>> metric.result()  # the root comes last, over all samples
        array(3.5355, dtype=float32)
    """

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
    """The mean over all samples of `losses.binary_crossentropy`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        from_logits: y_pred holds logits, not probabilities.
        label_smoothing: s in t * (1 - s) + s / 2.

    Examples:
        >>> metric = unidl.metrics.BinaryCrossentropy()
        >>> metric.update_state([[0.0], [1.0]], [[0.1], [0.8]])
        >>> metric.result()
        array(0.1643, dtype=float32)
    """

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
    """The mean over all samples of `losses.categorical_crossentropy`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        from_logits: y_pred holds logits, not probabilities.
        label_smoothing: s in t * (1 - s) + s / classes.
        axis: of the classes.

    Examples:
        >>> metric = unidl.metrics.CategoricalCrossentropy()
        >>> metric.update_state([[0.0, 1.0]], [[0.2, 0.8]])
        >>> metric.result()
        array(0.2231, dtype=float32)
    """

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
    """The mean over all samples of `losses.sparse_categorical_crossentropy`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        from_logits: y_pred holds logits, not probabilities.
        ignore_class: targets of this class do not count.
        axis: of the classes in y_pred.

    Examples:
        >>> metric = unidl.metrics.SparseCategoricalCrossentropy()
        >>> metric.update_state([1, 0], [[0.2, 0.8], [0.2, 0.8]])
        >>> metric.result()
        array(0.9163, dtype=float32)
    """

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

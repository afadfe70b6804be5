"""The other functions as losses."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.losses import divergence, regression
from unidl.losses.loss import NamedLoss
from unidl.typing import Axis, DType
from unidl.utils.rules import AXIS, NOT_NEGATIVE, POSITIVE, optional


def _loss(fn: Any, class_name: str, given: str, gives: str) -> Any:
    """A class with Keras' constructor (reduction, name, dtype) for a function without arguments of
    its own. Its example: the loss of the arguments `given`, in Python's words, prints `gives`."""

    class Named(NamedLoss):
        def __init__(
            self,
            reduction: Any = "sum_over_batch_size",
            name: str = fn.__name__,
            dtype: DType | None = None,
        ) -> None:
            super().__init__(fn, reduction, name, dtype)

    Named.__name__ = Named.__qualname__ = class_name
    Named.__doc__ = f"""{fn.__doc__.partition("Examples:")[0].strip()}

    See `{fn.__name__}`.

    Args:
        reduction: "sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", or None for
            one number for each sample.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> unidl.losses.{class_name}()({given})
        {gives}
    """
    return Named


MeanSquaredError = _loss(
    regression.mean_squared_error,
    "MeanSquaredError",
    "[[1.0, 2.0], [0.0, 0.0]], [[2.0, 5.0], [0.0, 1.0]]",
    "array(2.75, dtype=float32)",
)
MeanAbsoluteError = _loss(
    regression.mean_absolute_error,
    "MeanAbsoluteError",
    "[[1.0, 2.0], [0.0, 0.0]], [[2.0, 5.0], [0.0, 1.0]]",
    "array(1.25, dtype=float32)",
)
MeanAbsolutePercentageError = _loss(
    regression.mean_absolute_percentage_error,
    "MeanAbsolutePercentageError",
    "[[2.0], [4.0]], [[3.0], [4.0]]",
    "array(25., dtype=float32)",
)
MeanSquaredLogarithmicError = _loss(
    regression.mean_squared_logarithmic_error,
    "MeanSquaredLogarithmicError",
    "[[0.0], [0.0]], [[0.0], [np.e - 1]]",
    "array(0.5, dtype=float32)",
)
LogCosh = _loss(
    regression.log_cosh,
    "LogCosh",
    "[[0.0], [0.0]], [[0.1], [10.0]]",
    "array(4.6559, dtype=float32)",
)
Poisson = _loss(
    regression.poisson,
    "Poisson",
    "[[2.0], [2.0]], [[2.0], [4.0]]",
    "array(0.9206, dtype=float32)",
)
KLDivergence = _loss(
    divergence.kl_divergence,
    "KLDivergence",
    "[[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.9, 0.1]]",
    "array(0.2554, dtype=float32)",
)
Hinge = _loss(
    divergence.hinge,
    "Hinge",
    "[[1.0], [0.0]], [[0.5], [-3.0]]",
    "array(0.25, dtype=float32)",
)
SquaredHinge = _loss(
    divergence.squared_hinge,
    "SquaredHinge",
    "[[1.0], [0.0]], [[0.5], [-3.0]]",
    "array(0.125, dtype=float32)",
)
CategoricalHinge = _loss(
    divergence.categorical_hinge,
    "CategoricalHinge",
    "[[0.0, 1.0, 0.0]], [[0.5, 0.8, 0.1]]",
    "array(0.7, dtype=float32)",
)


class Huber(NamedLoss):
    """Quadratic for errors up to `delta`, linear beyond. See `huber`.

    Args:
        delta: the error above which the loss is linear.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> loss = unidl.losses.Huber(delta=1.0, reduction=None)
        >>> loss(np.zeros((2, 1)), np.array([[0.5], [10.0]]))  # 0.5 * 0.5**2, and 10 - 0.5
        array([0.125, 9.5  ], dtype=float32)
    """

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
    """Minus the cosine of the angle along `axis`. See `cosine_similarity`.

    Args:
        axis: along which vectors lie.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> loss = unidl.losses.CosineSimilarity()
        >>> loss(np.array([[1.0, 0.0]]), np.array([[5.0, 0.0]]))  # -1 is the best
        array(-1., dtype=float32)
    """

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
    """Overlap of two sets. See `dice`.

    Args:
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        axis: axes summed over; all by default.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> y_true, y_pred = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
        >>> unidl.losses.Dice()(y_true, y_pred)  # 1 - 2 * 1 / (2 + 1)
        array(0.3333, dtype=float32)
    """

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
    """Overlap of two sets with weights. See `tversky`.

    Args:
        alpha: weight of false negatives.
        beta: weight of false positives.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        axis: axes summed over; all by default.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> y_true, y_pred = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
        >>> unidl.losses.Tversky(alpha=0.5, beta=0.5)(y_true, y_pred)
        array(0.3333, dtype=float32)
        >>> unidl.losses.Tversky(alpha=0.9, beta=0.1)(y_true, y_pred)  # what is missed costs more
        array(0.4737, dtype=float32)
    """

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

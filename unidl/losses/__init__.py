"""Losses: classes that reduce to a number, functions of one value for each sample, and both by
name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unidl.losses.check import check_targets
from unidl.losses.circle import Circle, circle
from unidl.losses.crossentropy import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    ctc,
    sparse_categorical_crossentropy,
)
from unidl.losses.crossentropy_losses import (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
)
from unidl.losses.divergence import (
    categorical_hinge,
    dice,
    hinge,
    kl_divergence,
    squared_hinge,
    tversky,
)
from unidl.losses.function_losses import (
    CategoricalHinge,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
    Tversky,
)
from unidl.losses.loss import Loss, LossFunctionWrapper
from unidl.losses.loss_sum import LossSum
from unidl.losses.regression import (
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)
from unidl.losses.shapes import kind_of_classification
from unidl.saving.lookup import Catalogue
from unidl.typing import Shape
from unidl.utils.namespaces import namespace

# Functions, and the class of each, which knows more than the function: logits, masks.
_CLASS_OF: dict[Callable[..., Any], type[Loss]] = {
    binary_crossentropy: BinaryCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    categorical_generalized_cross_entropy: CategoricalGeneralizedCrossEntropy,
    circle: Circle,
    ctc: CTC,
    categorical_hinge: CategoricalHinge,
    dice: Dice,
    hinge: Hinge,
    kl_divergence: KLDivergence,
    squared_hinge: SquaredHinge,
    tversky: Tversky,
    cosine_similarity: CosineSimilarity,
    huber: Huber,
    log_cosh: LogCosh,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_error: MeanSquaredError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    poisson: Poisson,
}

_ALIASES = {
    "bce": binary_crossentropy, "BCE": binary_crossentropy,
    "kld": kl_divergence, "KLD": kl_divergence,
    "mae": mean_absolute_error, "MAE": mean_absolute_error,
    "mse": mean_squared_error, "MSE": mean_squared_error,
    "mape": mean_absolute_percentage_error, "MAPE": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "MSLE": mean_squared_logarithmic_error,
}  # fmt: skip

_catalogue: Catalogue[Any] = Catalogue(
    "losses",
    "loss",
    'Give a name such as "mse", a Loss, or a function (y_true, y_pred).',
    (Loss, LossFunctionWrapper, *_CLASS_OF.values()),
    tuple(_CLASS_OF),
    _ALIASES,
    name_of=lambda name: name,
    others=("crossentropy", "ce"),
)
# A name gives the function, as in Keras.
serialize, deserialize, get = _catalogue.serialize, _catalogue.deserialize, _catalogue.get

# Names that mean the cross-entropy that fits the shapes.
BY_SHAPE = ("crossentropy", "ce")
_BY_KIND = {
    "binary": binary_crossentropy, "sparse": sparse_categorical_crossentropy,
    "categorical": categorical_crossentropy,
}  # fmt: skip


def resolve(
    identifier: Any, y_true_shape: Shape | None = None, y_pred_shape: Shape | None = None
) -> Loss | None:
    """The `Loss` that `compile(loss=identifier)` means; "crossentropy" needs the shapes, and of a
    list the sum is meant. None stays None.

    Examples:
        >>> unidl.losses.resolve("mse").name
        'mse'
        >>> unidl.losses.resolve("crossentropy", (8,), (8, 10)).name  # by the shapes
        'crossentropy'
    """
    if isinstance(identifier, list | tuple):
        each = [resolve(one, y_true_shape, y_pred_shape) for one in identifier]
        return LossSum(loss for loss in each if loss is not None)
    name = identifier if isinstance(identifier, str) else None
    if name in BY_SHAPE:
        identifier = _BY_KIND[kind_of_classification(y_true_shape, y_pred_shape)]
    found = get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    if found in _CLASS_OF:
        return _CLASS_OF[found](name=name or found.__name__)
    return LossFunctionWrapper(found, name=name)


__all__ = [
    "BY_SHAPE",
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "check_targets",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

"""Metrics, by name or config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from unidl.losses.shapes import kind_of_classification
from unidl.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from unidl.metrics.auc import AUC
from unidl.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from unidl.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    concordance_correlation,
    pearson_correlation,
)
from unidl.metrics.f_score import F1Score, FBetaScore
from unidl.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from unidl.metrics.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from unidl.metrics.metric import Metric
from unidl.metrics.r2_score import R2Score
from unidl.metrics.reduction import Mean, MeanMetricWrapper, Sum
from unidl.metrics.trade_off import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from unidl.saving.lookup import Catalogue
from unidl.typing import Shape
from unidl.utils.namespaces import namespace
from unidl.utils.naming import to_snake_case

_CLASSES = (
    Metric, Mean, MeanMetricWrapper, Sum, Accuracy, BinaryAccuracy, CategoricalAccuracy,
    SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy,
    BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, MeanAbsoluteError,
    MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError,
    RootMeanSquaredError, CosineSimilarity, LogCoshError, Poisson, KLDivergence, Hinge,
    SquaredHinge, CategoricalHinge, AUC, FalseNegatives, FalsePositives, Precision, Recall,
    TrueNegatives, TruePositives, PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity,
    SpecificityAtSensitivity, F1Score, FBetaScore, R2Score, ConcordanceCorrelation,
    PearsonCorrelation, BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU,
)  # fmt: skip

_ALIASES = {
    "bce": BinaryCrossentropy, "BCE": BinaryCrossentropy,
    "mse": MeanSquaredError, "MSE": MeanSquaredError,
    "mae": MeanAbsoluteError, "MAE": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError, "MAPE": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError, "MSLE": MeanSquaredLogarithmicError,
}  # fmt: skip

_catalogue: Catalogue[Any] = Catalogue(
    "metrics",
    "metric",
    'Give a name such as "mae", a Metric, or a function (y_true, y_pred).',
    _CLASSES,
    aliases=_ALIASES,
    others=("acc", "accuracy", "crossentropy", "ce"),
)
serialize, deserialize, get = _catalogue.serialize, _catalogue.deserialize, _catalogue.get

# Names whose meaning depends on the shapes of targets and predictions.
_BY_SHAPE = {
    "accuracy": {
        "binary": BinaryAccuracy,
        "sparse": SparseCategoricalAccuracy,
        "categorical": CategoricalAccuracy,
    },
    "crossentropy": {
        "binary": BinaryCrossentropy,
        "sparse": SparseCategoricalCrossentropy,
        "categorical": CategoricalCrossentropy,
    },
}
_BY_SHAPE["acc"], _BY_SHAPE["ce"] = _BY_SHAPE["accuracy"], _BY_SHAPE["crossentropy"]


def resolve(identifier: Any, y_true_shape: Shape, y_pred_shape: Shape) -> Metric:
    """The Metric that `compile(metrics=[identifier])` means for targets and predictions of these
    shapes.

    "accuracy" and "crossentropy" are binary where y_pred's last axis is 1, sparse categorical where
    y_true has a lower rank or a last axis of 1, else categorical. A name stays the metric's name; a
    function becomes its mean.

    Examples:
        >>> unidl.metrics.resolve("accuracy", (8,), (8, 10)).__class__.__name__
        'SparseCategoricalAccuracy'
        >>> unidl.metrics.resolve("accuracy", (8, 1), (8, 1)).__class__.__name__
        'BinaryAccuracy'
    """
    if isinstance(identifier, str):
        kinds = _BY_SHAPE.get(identifier.lower())
        if kinds is not None:
            return kinds[kind_of_classification(y_true_shape, y_pred_shape)](name=identifier)
    found = get(identifier)
    if found is None:
        raise ValueError("metrics: None is not a metric. Leave it out of the list.")
    if not isinstance(found, Metric):
        called = getattr(found, "__name__", None)
        name = None if called is None or hasattr(found, "name") else to_snake_case(called)
        found = MeanMetricWrapper(found, name=name)
    if isinstance(identifier, str):
        found.name = identifier
    return found


__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

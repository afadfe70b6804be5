"""Losses as metrics: the weighted mean over all samples of an epoch."""

from __future__ import annotations

from unidl import ops
from unidl.losses import crossentropy, divergence, regression
from unidl.losses.tensors import as_float, together
from unidl.metrics.reduction import Mean, NamedMean
from unidl.ops.dispatch import backend_of


def _metric(fn, class_name, default_name=None):
    """A class with Keras' constructor (name, dtype) for a function without arguments of its own."""

    class Named(NamedMean):
        def __init__(self, name=default_name or fn.__name__, dtype=None):
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


def cosine_similarity(y_true, y_pred, axis=-1):
    """The cosine of the angle along `axis` (the loss of this name is its negative)."""
    return ops.negative(regression.cosine_similarity(y_true, y_pred, axis))


class CosineSimilarity(NamedMean):
    """The mean cosine of the angle along `axis`."""

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of (p - t)**2 over all elements."""

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        backend = backend_of([y_pred, y_true])
        with backend.scope():
            y_true, y_pred = together(y_true, as_float(backend, y_pred, self.dtype))
            super().update_state(ops.square(ops.subtract(y_pred, y_true)), sample_weight)

    def result(self):
        return ops.sqrt(super().result())


class BinaryCrossentropy(NamedMean):
    """The mean over all samples of `losses.binary_crossentropy`."""

    arguments = ("from_logits", "label_smoothing")

    def __init__(
        self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0
    ):
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
        name="categorical_crossentropy",
        dtype=None,
        from_logits=False,
        label_smoothing=0,
        axis=-1,
    ):
        super().__init__(
            crossentropy.categorical_crossentropy, name, dtype,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class SparseCategoricalCrossentropy(NamedMean):
    """The mean over all samples of `losses.sparse_categorical_crossentropy`."""

    arguments = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name="sparse_categorical_crossentropy",
        dtype=None,
        from_logits=False,
        ignore_class=None,
        axis=-1,
    ):
        super().__init__(
            crossentropy.sparse_categorical_crossentropy, name, dtype,
            from_logits=from_logits, ignore_class=ignore_class, axis=axis,
        )  # fmt: skip

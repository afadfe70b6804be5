"""Sums and means of values, and of what a function gives for targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from unidl import ops
from unidl.backend.registry import get_backend
from unidl.losses.reduction import expand_to_rank
from unidl.losses.tensors import as_float, match_rank
from unidl.metrics.metric import Metric, add_to
from unidl.ops.dispatch import backend_of
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.typing import Config, DType, Tensor, TensorLike, any_arguments
from unidl.utils.constructors import made_from
from unidl.utils.rules import CALLABLE

if TYPE_CHECKING:
    from typing_extensions import Self


def samplewise(
    variable: Any, values: TensorLike, sample_weight: TensorLike | None, reduce: Any, dtype: Any
) -> Tensor:
    """(values, weights), both (n,) or scalars in `dtype` and on the backend of `variable`, or
    weights None.

    Axes behind the first are reduced by `reduce`; weights multiply the values before that. Values
    are detached from any tape.
    """
    backend = variable.backend
    values = backend.stop_gradient(as_float(backend, values, dtype))
    if sample_weight is not None:
        weight = as_float(backend, sample_weight, dtype)
        values, weight = match_rank(values, weight)
        rank = len(weight.shape)
        if len(values.shape) > rank:
            values = reduce(values, axis=tuple(range(rank, len(values.shape))))
        weight = expand_to_rank(weight, len(values.shape))
        sample_weight = weight = ops.add(
            weight, ops.zeros_like(values)
        )  # the shape of the values, which may be open
        values = ops.multiply(values, weight)
        if len(weight.shape) > 1:
            sample_weight = reduce(weight, axis=tuple(range(1, len(weight.shape))))
    if len(values.shape) > 1:
        values = reduce(values, axis=tuple(range(1, len(values.shape))))
    return values, sample_weight


def wide(dtype: str) -> str:
    """The dtype of the sums of numbers in `dtype`, of which there may be very many."""
    return get_backend().long_sums if dtype in ("float16", "bfloat16", "float32") else dtype


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.Sum()
        >>> metric.update_state([1.0, 3.0], sample_weight=[1.0, 0.5])
        >>> metric.result()
        array(2.5, dtype=float32)
    """

    def __init__(self, name: str | None = "sum", dtype: DType | None = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(dtype=wide(self.dtype), name="total")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        with self.total.backend.scope():
            values, _ = samplewise(self.total, values, sample_weight, ops.sum, self.dtype)
            add_to(self.total, ops.sum(values))

    def result(self) -> Tensor:
        return ops.cast(self.total.value, self.dtype)


class Mean(Metric):
    """The weighted mean of all values, 0 where there were none.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> metric.update_state(8.0)
        >>> metric.result()
        array(4., dtype=float32)
        >>> metric.reset_state()
        >>> metric.result()
        array(0., dtype=float32)
    """

    def __init__(self, name: str | None = "mean", dtype: DType | None = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(dtype=wide(self.dtype), name="total")
        self.count = self.add_variable(dtype=wide(self.dtype), name="count")

    @any_arguments
    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        with self.total.backend.scope():
            values, weight = samplewise(self.total, values, sample_weight, ops.mean, self.dtype)
            add_to(self.total, ops.sum(values))
            ones = ops.ones_like(values, self.count.dtype) if weight is None else weight
            add_to(self.count, ops.sum(ones))

    def result(self) -> Tensor:
        with self.total.backend.scope():
            mean = ops.divide_no_nan(self.total.value, self.count.value)
            return ops.cast(mean, self.dtype)


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **kwargs)`, a function that gives one value for each sample
    or element.

    Args:
        fn: the function; further arguments of it are given by name.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> def largest(y_true, y_pred):
        ...     return unidl.ops.max(unidl.ops.abs(y_true - y_pred), axis=-1)
        >>> metric = unidl.metrics.MeanMetricWrapper(largest)
        >>> metric.update_state(np.array([[1.0, 2.0]]), np.array([[1.0, 5.0]]))
        >>> metric.result()
        array(3., dtype=float32)
    """

    _rules: ClassVar = {"fn": CALLABLE}

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DType | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "name", None) or getattr(fn, "__name__", None), dtype)
        self._fn, self._kwargs = fn, kwargs

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        with backend_of([y_pred, y_true]).scope():
            values = self._fn(y_true, y_pred, **self._kwargs)
            if values is None or isinstance(values, str | bytes | dict):
                raise TypeError(
                    f"The metric {self.name!r} returned "
                    f"{'None' if values is None else 'a ' + type(values).__name__}, but a metric "
                    "must be a tensor with one number per sample, or a scalar. End the function "
                    "with: return values."
                )
            super().update_state(values, sample_weight)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "fn": serialize_keras_object(self._fn),
            **serialize_keras_object(self._kwargs),
        }

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**deserialize_keras_object(made_from(cls, config)))


class NamedMean(MeanMetricWrapper):
    """A `MeanMetricWrapper` whose function is known: the config holds the arguments named in
    `arguments` instead."""

    arguments: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The function's arguments, which the constructor makes attributes."""

    def __init__(
        self, fn: Callable[..., Any], name: str | None, dtype: DType | None, **kwargs: Any
    ) -> None:
        super().__init__(fn, name, dtype, **kwargs)
        for key, value in kwargs.items():
            setattr(self, key, value)

    def get_config(self) -> Config:
        return {**Metric.get_config(self), **{name: getattr(self, name) for name in self.arguments}}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))

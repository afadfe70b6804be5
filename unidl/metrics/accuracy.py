"""How often a prediction is right: functions that give 1 or 0 for each sample or element, and
metrics of their means."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl import ops
from unidl.backend import dtypes
from unidl.losses.crossentropy import check_categorical_shapes, sparse_targets
from unidl.losses.tensors import check_equal_shapes, match_rank, native, together
from unidl.metrics.reduction import NamedMean
from unidl.ops.dispatch import backend_of
from unidl.typing import Config, DType, Tensor, TensorLike
from unidl.utils.rules import COUNT, NUMBER


def _as_number(flags: Any) -> Any:
    return ops.cast(flags, dtypes.floatx())


def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Whether y_true equals y_pred, element by element."""
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes("accuracy", y_true, y_pred)
    return _as_number(ops.equal(y_true, y_pred))


def binary_accuracy(
    y_true: TensorLike, y_pred: TensorLike, threshold: float | None = 0.5
) -> Tensor:
    """Whether y_true is 1 where y_pred is greater than `threshold`, and 0 elsewhere, element by
    element.

    Examples:
        >>> unidl.metrics.binary_accuracy([[1, 0, 1]], [[0.9, 0.2, 0.4]])
        array([[1., 1., 0.]], dtype=float32)
    """
    y_true, y_pred = together(y_true, y_pred)
    check_equal_shapes("binary_accuracy", y_true, y_pred)
    return _as_number(
        ops.equal(y_true, ops.cast(ops.greater(y_pred, threshold), ops.dtype(y_true)))
    )


def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Whether both have their maximum at the same place: (..., k) and (..., k) -> (...,).

    Examples:
        >>> unidl.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = _categorical("categorical_accuracy", y_true, y_pred)
    return _as_number(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)))


def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Whether y_pred has its maximum at the class: (...,) or (..., 1) integers and (..., k) ->
    (...,).

    Examples:
        >>> unidl.metrics.sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = sparse_targets(y_true, y_pred)
    return _as_number(ops.equal(y_true, ops.cast(ops.argmax(y_pred, axis=-1), "int32")))


def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Tensor:
    """Whether the class of the one-hot y_true is among the `k` of the highest scores.

    Examples:
        >>> y_true, y_pred = [[0, 0, 1], [1, 0, 0]], [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]]
        >>> unidl.metrics.top_k_categorical_accuracy(y_true, y_pred, k=2)
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = _categorical("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """Whether the class is among the `k` of the highest scores; with `from_sorted_ids` y_pred holds
    classes, the best first.

    Examples:
        >>> y_pred = [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]]
        >>> unidl.metrics.sparse_top_k_categorical_accuracy([2, 0], y_pred, k=2)
        array([1., 0.], dtype=float32)
    """
    if not from_sorted_ids:
        classes, scores = sparse_targets(y_true, y_pred)
        return _in_top_k(classes, scores, k)
    backend = backend_of([y_pred, y_true])
    ids, y_true = native(backend, y_pred), native(backend, y_true)
    _, y_true = match_rank(ids[..., 0], y_true)
    best = ids[..., :k]
    return _as_number(
        ops.any(ops.equal(best, ops.expand_dims(ops.cast(y_true, ops.dtype(best)), -1)), axis=-1)
    )


def _in_top_k(classes: Any, scores: Any, k: Any) -> Any:
    """Whether fewer than `k` scores are higher than that of the class, so that a tie counts as
    in."""
    own = ops.take_along_axis(scores, ops.expand_dims(classes, -1), -1)
    higher = ops.sum(ops.cast(ops.greater(scores, own), "int32"), axis=-1)
    valid = ops.isfinite(ops.squeeze(own, -1))
    return _as_number(ops.logical_and(ops.less(higher, k), valid))


def _categorical(name: str, y_true: TensorLike, y_pred: TensorLike) -> Any:
    backend = backend_of([y_pred, y_true])
    y_true, y_pred = native(backend, y_true), native(backend, y_pred)
    check_categorical_shapes(name, tuple(y_true.shape), tuple(y_pred.shape))
    return y_true, y_pred


class Accuracy(NamedMean):
    """How often y_true equals y_pred.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.Accuracy()
        >>> metric.update_state([1, 2, 3], [1, 2, 4])
        >>> metric.result()
        array(0.6667, dtype=float32)
    """

    def __init__(self, name: str | None = "accuracy", dtype: DType | None = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(NamedMean):
    """How often y_pred is on the right side of `threshold`.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        threshold: scores above it are predicted 1.

    Examples:
        >>> metric = unidl.metrics.BinaryAccuracy(threshold=0.5)
        >>> metric.update_state([[1], [0], [1]], [[0.9], [0.2], [0.4]])
        >>> metric.result()
        array(0.6667, dtype=float32)
    """

    arguments = ("threshold",)

    _rules: ClassVar = {"threshold": NUMBER}

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: DType | None = None,
        threshold: float | None = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(NamedMean):
    """How often the highest score belongs to the class of a one-hot target.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.CategoricalAccuracy()
        >>> metric.update_state([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    def __init__(
        self, name: str | None = "categorical_accuracy", dtype: DType | None = None
    ) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(NamedMean):
    """How often the highest score belongs to the class.

    Args:
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.SparseCategoricalAccuracy()
        >>> metric.update_state([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    def __init__(
        self, name: str | None = "sparse_categorical_accuracy", dtype: DType | None = None
    ) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(NamedMean):
    """How often the class of a one-hot target is among the `k` of the highest scores.

    Args:
        k: how many of the highest scores.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.

    Examples:
        >>> metric = unidl.metrics.TopKCategoricalAccuracy(k=2)
        >>> metric.update_state([[0, 0, 1], [1, 0, 0]], [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    arguments = ("k",)

    _rules: ClassVar = {"k": COUNT}

    def __init__(
        self,
        k: int = 5,
        name: str | None = "top_k_categorical_accuracy",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(NamedMean):
    """How often the class is among the `k` of the highest scores.

    Args:
        k: how many of the highest scores.
        name: of the metric, under which its value is shown.
        dtype: of its sums, `floatx` by default.
        from_sorted_ids: y_pred holds the class numbers, the best first, not scores.

    Examples:
        >>> metric = unidl.metrics.SparseTopKCategoricalAccuracy(k=2)
        >>> metric.update_state([2, 0], [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    _rules: ClassVar = {"k": COUNT}

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: DType | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )

    def get_config(self) -> Config:
        extra = {"from_sorted_ids": True} if self.from_sorted_ids else {}
        return {**super().get_config(), "k": self.k, **extra}

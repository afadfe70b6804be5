"""Intersection over union of classes, from a confusion matrix."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

from unidl import config, ops
from unidl.backend import dtypes
from unidl.losses.reduction import expand_to_rank
from unidl.losses.tensors import as_float, native
from unidl.metrics.metric import Metric, add_to
from unidl.typing import Config, DType, Tensor, TensorLike
from unidl.utils.rules import CLASSES, COUNT, INTEGER, NUMBER


class IoU(Metric):
    """right / (right + wrongly predicted + missed) of each class, and the mean of that over
    `target_class_ids`.

    Classes that occur in neither targets nor predictions do not count.

    Args:
        num_classes: classes are 0 to num_classes - 1; what lies outside, in targets or predictions,
            does not count.
        target_class_ids: the classes whose mean is asked for.
        dtype: of the counts, int32 by default; with weights that are no integers give "float32".
        ignore_class: targets of this class do not count.
        sparse_y_true, sparse_y_pred: class numbers; False: scores, whose largest along `axis` is
            the class.
        axis: of the scores.
        name: of the metric, under which its value is shown.

    y_true and y_pred have as many class numbers each, of any shape; weights have the shape of these
    or of their first axes.

    Examples:
        >>> metric = unidl.metrics.IoU(num_classes=3, target_class_ids=[0, 2])
        >>> metric.update_state([0, 0, 1, 2], [0, 1, 1, 2])
        >>> metric.result()  # the mean of 1 / 2 and 1
        array(0.75, dtype=float32)
    """

    arguments: tuple[str, ...] = (
        "num_classes",
        "target_class_ids",
        "ignore_class",
        "sparse_y_true",
        "sparse_y_pred",
        "axis",
    )

    _rules: ClassVar = {"num_classes": COUNT, "target_class_ids": CLASSES, "axis": INTEGER}

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DType | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype or "int32", name)
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        wrong = [i for i in self.target_class_ids if not 0 <= i < num_classes]
        if wrong or not self.target_class_ids:
            raise ValueError(
                f"{type(self).__name__}: target_class_ids must be among 0 to {num_classes - 1}, "
                f"got {self.target_class_ids}."
            )
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        backend = self.total_cm.backend
        with backend.scope():
            true, unflat = self._classes(backend, y_true, self.sparse_y_true)
            pred, _ = self._classes(backend, y_pred, self.sparse_y_pred)
            counts = ops.logical_and(self._known(true), self._known(pred))
            if self.ignore_class is not None:
                counts = ops.logical_and(counts, ops.not_equal(true, self.ignore_class))
            weight = ops.cast(counts, self.dtype)
            if sample_weight is not None:
                weight = ops.multiply(weight, self._weights(native(backend, sample_weight), unflat))
            places = ops.where(
                counts, ops.add(ops.multiply(true, self.num_classes), pred), ops.zeros_like(true)
            )
            sums = ops.segment_sum(weight, places, self.num_classes**2)
            add_to(self.total_cm, ops.reshape(sums, (self.num_classes, self.num_classes)))

    def _classes(self, backend: Any, y: TensorLike, sparse: Any) -> Any:
        """Class numbers in a row, and before."""
        y = native(backend, y) if sparse else ops.argmax(native(backend, y), axis=self.axis)
        return ops.reshape(ops.cast(y, "int32"), (-1,)), y

    def _known(self, classes: Any) -> Any:
        return ops.logical_and(ops.greater_equal(classes, 0), ops.less(classes, self.num_classes))

    def _weights(self, weight: Any, like: Any) -> Any:
        if dtypes.is_float(ops.dtype(weight)) and not dtypes.is_float(self.dtype):
            warnings.warn(
                f"{self.name} counts in {self.dtype}, so weights lose their fraction. For "
                "non-integer weights write"
                f' {type(self).__name__}(..., dtype="float32").',
                stacklevel=3,
            )
        weight = expand_to_rank(ops.cast(weight, self.dtype), len(like.shape))
        return ops.reshape(ops.add(weight, ops.cast(ops.zeros_like(like), self.dtype)), (-1,))

    def result(self) -> Tensor:
        counts = self.total_cm.value
        right = ops.diagonal(counts)
        union = ops.subtract(ops.add(ops.sum(counts, axis=0), ops.sum(counts, axis=1)), right)
        right, union = (
            ops.cast(ops.take(x, self.target_class_ids), "float32") for x in (right, union)
        )
        tiny, present = config.epsilon(), ops.greater(union, 1e-9)
        each = ops.where(present, ops.divide(right, ops.add(union, tiny)), ops.zeros_like(union))
        return ops.divide(ops.sum(each), ops.add(ops.sum(ops.cast(present, "float32")), tiny))

    def get_config(self) -> Config:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}


class BinaryIoU(IoU):
    """`IoU` of the classes 0 and 1 for scores: 1 from `threshold` on.

    Args:
        target_class_ids: the classes whose mean is asked for, 0 and 1 by default.
        threshold: scores from it on are class 1.
        name: of the metric, under which its value is shown.
        dtype: of the counts, int32 by default; with weights that are no integers give "float32".

    Examples:
        >>> metric = unidl.metrics.BinaryIoU(target_class_ids=[1], threshold=0.5)
        >>> metric.update_state([0, 1, 1], [0.1, 0.9, 0.3])
        >>> metric.result()  # 1 in common, 2 in all
        array(0.5, dtype=float32)
    """

    arguments: tuple[str, ...] = ("target_class_ids", "threshold")

    _rules: ClassVar = {"target_class_ids": CLASSES, "threshold": NUMBER}

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float | None = 0.5,
        name: str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        scores = as_float(self.total_cm.backend, y_pred)
        super().update_state(y_true, ops.greater_equal(scores, self.threshold), sample_weight)


class MeanIoU(IoU):
    """`IoU`, the mean over all classes.

    Args:
        num_classes: classes are 0 to num_classes - 1; what lies outside does not count.
        name: of the metric, under which its value is shown.
        dtype: of the counts, int32 by default; with weights that are no integers give "float32".
        ignore_class: targets of this class do not count.
        sparse_y_true: targets are class numbers; False: scores, whose largest along `axis` is the
            class.
        sparse_y_pred: predictions are class numbers; False: scores, whose largest along `axis` is
            the class.
        axis: of the scores.

    Examples:
        >>> metric = unidl.metrics.MeanIoU(num_classes=2)
        >>> metric.update_state([0, 0, 1, 1], [0, 1, 0, 1])
        >>> metric.result()
        array(0.3333, dtype=float32)
    """

    arguments: tuple[str, ...] = (
        "num_classes",
        "ignore_class",
        "sparse_y_true",
        "sparse_y_pred",
        "axis",
    )

    _rules: ClassVar = {"num_classes": COUNT, "axis": INTEGER}

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DType | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


class OneHotIoU(IoU):
    """`IoU` for one-hot targets and scores (..., classes).

    Args:
        num_classes: classes are 0 to num_classes - 1; what lies outside does not count.
        target_class_ids: the classes whose mean is asked for.
        name: of the metric, under which its value is shown.
        dtype: of the counts, int32 by default; with weights that are no integers give "float32".
        ignore_class: targets of this class do not count.
        sparse_y_pred: predictions are class numbers; False: scores, whose largest along `axis` is
            the class.
        axis: of the scores.

    Examples:
        >>> metric = unidl.metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
        >>> metric.update_state([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
        >>> metric.result()
        array(0.5, dtype=float32)
    """

    arguments: tuple[str, ...] = (
        "num_classes",
        "target_class_ids",
        "ignore_class",
        "sparse_y_pred",
        "axis",
    )

    _rules: ClassVar = {"target_class_ids": CLASSES}

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DType | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot targets and scores (..., classes).

    Args:
        num_classes: classes are 0 to num_classes - 1; what lies outside does not count.
        name: of the metric, under which its value is shown.
        dtype: of the counts, int32 by default; with weights that are no integers give "float32".
        ignore_class: targets of this class do not count.
        sparse_y_pred: predictions are class numbers; False: scores, whose largest along `axis` is
            the class.
        axis: of the scores.

    Examples:
        >>> metric = unidl.metrics.OneHotMeanIoU(num_classes=2)
        >>> metric.update_state([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
        >>> metric.result()
        array(0.25, dtype=float32)
    """

    arguments: tuple[str, ...] = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DType | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

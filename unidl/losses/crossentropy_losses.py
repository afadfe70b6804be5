"""Cross-entropies as losses. Each can be computed from the logits of the model's last
activation."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl import ops
from unidl.losses import crossentropy
from unidl.losses.loss import NamedLoss, OfIntegers
from unidl.losses.tensors import native, together
from unidl.ops.dispatch import backend_of
from unidl.typing import Axis, DType, TensorLike
from unidl.utils.rules import AXIS, FLAG, INTEGER, NOT_NEGATIVE, NUMBER, SHARE, optional

_COMMON_RULES = {"from_logits": FLAG, "label_smoothing": SHARE, "axis": AXIS}


class _FromLogits(NamedLoss):
    """Calls its function with `from_logits=True` when it is given the input of the activation
    `activation`."""

    activation: str | None = None

    @property
    def logits_of(self) -> Any:
        return None if self.from_logits or self.axis != -1 else self.activation

    def call_on_logits(self, y_true: TensorLike, logits: TensorLike) -> Any:
        return self.fn(y_true, logits, **{**self._kwargs, "from_logits": True})


class SparseCategoricalCrossentropy(OfIntegers, _FromLogits):
    """-log of the probability of the true class.

    Args:
        from_logits: y_pred holds logits, not probabilities.
        ignore_class: targets of this class do not count.
        axis: of the classes in y_pred.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    y_true (...,) or (..., 1) of integers, y_pred (..., classes).

    Examples:
        >>> y_true, y_pred = np.array([1, 2]), np.array([[0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
        >>> unidl.losses.SparseCategoricalCrossentropy()(y_true, y_pred)
        array(0.367, dtype=float32)
        >>> loss = unidl.losses.SparseCategoricalCrossentropy(ignore_class=2, reduction=None)
        >>> loss(y_true, y_pred)
        array([0.2231, 0.    ], dtype=float32)
    """

    activation = "softmax"
    arguments = ("from_logits", "ignore_class")

    _rules: ClassVar = {"ignore_class": optional(INTEGER), "from_logits": FLAG}

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            crossentropy.sparse_categorical_crossentropy, reduction, name, dtype,
            from_logits=from_logits, ignore_class=ignore_class, axis=axis,
        )  # fmt: skip

    def mask_of(self, y_true: TensorLike, values: TensorLike) -> Any:
        if self.ignore_class is None:
            return None
        counts = ops.not_equal(native(backend_of([values]), y_true), self.ignore_class)
        return ops.squeeze(counts, self.axis) if len(counts.shape) > len(values.shape) else counts


class CategoricalCrossentropy(_FromLogits):
    """-sum of t * log(p) over the classes.

    Args:
        from_logits: y_pred holds logits, not probabilities.
        label_smoothing: s in t * (1 - s) + s / classes.
        axis: of the classes.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    y_true and y_pred (..., classes).

    Examples:
        >>> y_true = np.array([[0.0, 1.0, 0.0]])
        >>> unidl.losses.CategoricalCrossentropy()(y_true, np.array([[0.1, 0.8, 0.1]]))
        array(0.2231, dtype=float32)
        >>> loss = unidl.losses.CategoricalCrossentropy(from_logits=True)
        >>> loss(y_true, np.array([[0.0, 3.0, 0.0]]))
        array(0.0949, dtype=float32)
    """

    activation = "softmax"
    arguments = ("from_logits", "label_smoothing", "axis")

    _rules: ClassVar = _COMMON_RULES

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            crossentropy.categorical_crossentropy, reduction, name, dtype,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class BinaryCrossentropy(_FromLogits):
    """Mean of -t * log(p) - (1 - t) * log(1 - p).

    Args:
        from_logits: y_pred holds logits, not probabilities.
        label_smoothing: s in t * (1 - s) + s / 2.
        axis: over which the mean is taken.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    y_true and y_pred (n, ...) of one shape.

    Examples:
        >>> y_true, y_pred = np.array([[0.0], [1.0]]), np.array([[0.1], [0.8]])
        >>> unidl.losses.BinaryCrossentropy()(y_true, y_pred)
        array(0.1643, dtype=float32)
        >>> unidl.losses.BinaryCrossentropy(label_smoothing=0.1)(y_true, y_pred)
        array(0.2538, dtype=float32)
    """

    activation = "sigmoid"
    arguments = ("from_logits", "label_smoothing", "axis")

    _rules: ClassVar = _COMMON_RULES

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            crossentropy.binary_crossentropy, reduction, name, dtype,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip

    def call_on_logits(self, y_true: TensorLike, logits: TensorLike) -> Any:
        return super().call_on_logits(*together(y_true, logits))


class CategoricalFocalCrossentropy(NamedLoss):
    """`CategoricalCrossentropy` times alpha * (1 - p)**gamma (Lin et al., arXiv:1708.02002).

    Args:
        alpha: weight of the classes, a number or one for each.
        gamma: how strongly easy samples are down-weighted; 0 is plain cross-entropy.
        from_logits: y_pred holds logits, not probabilities.
        label_smoothing: s in t * (1 - s) + s / classes.
        axis: of the classes.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> y_true, y_pred = np.array([[0.0, 1.0, 0.0]]), np.array([[0.1, 0.8, 0.1]])
        >>> unidl.losses.CategoricalFocalCrossentropy(alpha=1.0)(y_true, y_pred)
        array(0.0089, dtype=float32)
        >>> unidl.losses.CategoricalCrossentropy()(y_true, y_pred)
        array(0.2231, dtype=float32)
    """

    arguments = ("alpha", "gamma", "from_logits", "label_smoothing", "axis")

    _rules: ClassVar = {
        "gamma": NOT_NEGATIVE,
        "from_logits": FLAG,
        "label_smoothing": SHARE,
        "axis": AXIS,
    }

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            crossentropy.categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha,
            gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class BinaryFocalCrossentropy(NamedLoss):
    """`BinaryCrossentropy` times (1 - p_t)**gamma, p_t the probability of the true class (Lin et
    al., arXiv:1708.02002).

    Args:
        apply_class_balancing: weight ones by `alpha` and zeros by 1 - alpha.
        alpha: weight of the ones, with `apply_class_balancing`.
        gamma: how strongly easy samples are down-weighted; 0 is plain cross-entropy.
        from_logits: y_pred holds logits, not probabilities.
        label_smoothing: s in t * (1 - s) + s / 2.
        axis: over which the mean is taken.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> y_true, y_pred = np.array([[0.0], [1.0]]), np.array([[0.1], [0.8]])
        >>> unidl.losses.BinaryFocalCrossentropy(gamma=2, reduction=None)(y_true, y_pred)
        array([0.0011, 0.0089], dtype=float32)
        >>> unidl.losses.BinaryCrossentropy(reduction=None)(y_true, y_pred)
        array([0.1054, 0.2231], dtype=float32)
    """

    arguments = (
        "apply_class_balancing",
        "alpha",
        "gamma",
        "from_logits",
        "label_smoothing",
        "axis",
    )

    _rules: ClassVar = {
        "apply_class_balancing": FLAG,
        "alpha": NUMBER,
        "gamma": NOT_NEGATIVE,
        "from_logits": FLAG,
        "label_smoothing": SHARE,
        "axis": AXIS,
    }

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Axis = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            crossentropy.binary_focal_crossentropy, reduction, name, dtype,
            apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CategoricalGeneralizedCrossEntropy(OfIntegers):
    """Between cross-entropy and absolute error, for noisy labels. See
    `categorical_generalized_cross_entropy`.

    Args:
        q: in (0, 1): near 0 like cross-entropy, near 1 like the absolute error.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> y_true, y_pred = np.array([1]), np.array([[0.5, 0.25, 0.25]])
        >>> unidl.losses.CategoricalGeneralizedCrossEntropy(q=0.5)(y_true, y_pred)
        array(1., dtype=float32)
        >>> unidl.losses.CategoricalGeneralizedCrossEntropy(q=0.9)(y_true, y_pred)  # near 1 - p
        array(0.792, dtype=float32)
    """

    arguments = ("q",)

    _rules: ClassVar = {"q": NUMBER}

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: DType | None = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"{type(self).__name__}: q must lie between 0 and 1, got {q!r}.")
        super().__init__(
            crossentropy.categorical_generalized_cross_entropy, reduction, name, dtype, q=q
        )


class CTC(OfIntegers):
    """Connectionist temporal classification: targets without times. See `ctc`.

    Args:
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> loss = unidl.losses.CTC()
        >>> logits = 50 * np.eye(3)[[[1, 1, 0, 2]]]  # spells 1, 1, blank, 2
        >>> [bool(loss(np.array([labels]), logits) < 0.1) for labels in ([1, 2], [2, 1])]
        [True, False]
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(crossentropy.ctc, reduction, name, dtype)

    def _fit_mask(self, mask: Any, values: Any) -> Any:
        """A sample counts if any of its steps does: the loss is one number over all of them."""
        return ops.max(mask, axis=tuple(range(1, len(mask.shape)))) if len(mask.shape) > 1 else mask

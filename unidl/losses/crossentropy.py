"""Cross-entropies as functions: one value for each sample. From probabilities they clip to [1e-7, 1
- 1e-7]."""

from __future__ import annotations

from typing import Any

from unidl import ops
from unidl.losses.tensors import as_float, check_equal_shapes, native
from unidl.ops.dispatch import backend_of
from unidl.ops.networks import check_classes, sparse_crossentropy
from unidl.typing import Axis, Tensor, TensorLike

EPSILON = 1e-7


def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Axis = -1,
) -> Tensor:
    """-sum(t log p) along `axis`: y_true (..., k) probabilities, y_pred (..., k) probabilities or
    logits -> (...,).

    Probabilities are divided by their sum first. Smoothing: t * (1 - s) + s / k.

    Examples:
        >>> unidl.losses.categorical_crossentropy([[0.0, 1.0]], [[0.2, 0.8]])
        array([0.2231], dtype=float32)
        >>> unidl.losses.categorical_crossentropy([[0.0, 1.0]], [[1.0, 4.0]])  # made to sum to 1
        array([0.2231], dtype=float32)
    """
    y_true, y_pred = _categorical("categorical_crossentropy", y_true, y_pred, label_smoothing, axis)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits)


def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log p of the true class: y_true (...,) or (..., 1) integers, y_pred (..., k) -> (...,); 0
    where it is `ignore_class`.

    Examples:
        >>> unidl.losses.sparse_categorical_crossentropy([1, 0], [[0.2, 0.8], [0.2, 0.8]])
        array([0.2231, 1.6094], dtype=float32)
    """
    y_true, y_pred = sparse_targets(y_true, y_pred, axis, ignored=ignore_class)
    y_pred = ops.moveaxis(y_pred, axis, -1)
    valid = None
    if ignore_class is not None:
        valid = ops.not_equal(y_true, ignore_class)
        y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
        y_pred = ops.where(
            ops.expand_dims(valid, -1),
            y_pred,
            ops.zeros_like(y_pred) if from_logits else ops.ones_like(y_pred),
        )
    values = sparse_crossentropy(y_true, y_pred, from_logits)
    return values if valid is None else ops.where(valid, values, ops.zeros_like(values))


def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Axis = -1,
) -> Tensor:
    """Mean along `axis` of -t log p - (1 - t) log(1 - p). Smoothing: t * (1 - s) + s / 2.

    Examples:
        >>> unidl.losses.binary_crossentropy([[0.0, 1.0]], [[0.1, 0.8]])  # the mean of a sample
        array([0.1643], dtype=float32)
        >>> unidl.losses.binary_crossentropy([[0.0, 1.0]], [[-2.0, 2.0]], from_logits=True)
        array([0.1269], dtype=float32)
    """
    y_true, y_pred = _binary("binary_crossentropy", y_true, y_pred, label_smoothing)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


def categorical_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Axis = -1,
) -> Tensor:
    """-sum(alpha (1 - p)**gamma t log p) (Lin et al., arXiv:1708.02002).

    Examples:
        >>> unidl.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.2, 0.8]], alpha=1.0)
        array([0.0089], dtype=float32)
    """
    y_true, y_pred = _categorical(
        "categorical_focal_crossentropy", y_true, y_pred, label_smoothing, axis
    )
    p = ops.softmax(y_pred, -1) if from_logits else y_pred
    p = ops.clip(ops.divide(p, ops.sum(p, axis=-1, keepdims=True)), EPSILON, 1 - EPSILON)
    weight = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), alpha)
    return ops.negative(ops.sum(ops.multiply(weight, ops.multiply(y_true, ops.log(p))), axis=-1))


def binary_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Axis = -1,
) -> Tensor:
    """Mean of (1 - p_t)**gamma times the binary cross-entropy, p_t the probability of the true
    class (arXiv:1708.02002).

    With `apply_class_balancing` also times alpha for the class 1, and 1 - alpha for 0.

    Examples:
        >>> unidl.losses.binary_focal_crossentropy([[1.0], [1.0]], [[0.9], [0.1]], gamma=2)
        array([0.0011, 1.8651], dtype=float32)
    """
    y_true, y_pred = _binary("binary_focal_crossentropy", y_true, y_pred, label_smoothing)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    values = ops.multiply(
        ops.power(ops.subtract(1.0, _of_truth(y_true, p)), gamma),
        ops.binary_crossentropy(y_true, p),
    )
    if apply_class_balancing:
        values = ops.multiply(values, ops.add(ops.multiply(y_true, 2 * alpha - 1), 1 - alpha))
    return ops.mean(values, axis=axis)


def _of_truth(y_true: TensorLike, p: Any) -> Any:
    return ops.add(
        ops.multiply(y_true, p), ops.multiply(ops.subtract(1.0, y_true), ops.subtract(1.0, p))
    )


def categorical_generalized_cross_entropy(
    y_true: TensorLike, y_pred: TensorLike, q: float
) -> Tensor:
    """(1 - p**q) / q for the probability p of the true class (Zhang & Sabuncu, arXiv:1805.07836).

    y_true (...,) or (..., 1) integers, y_pred (..., k) probabilities -> (...,). q in (0, 1): near 0
    the cross-entropy, near 1 the absolute error.

    Examples:
        >>> unidl.losses.categorical_generalized_cross_entropy([1], [[0.5, 0.25, 0.25]], q=0.5)
        array([1.], dtype=float32)
    """
    y_true, y_pred = sparse_targets(y_true, y_pred, name="categorical_generalized_cross_entropy")
    chosen = ops.one_hot(y_true, tuple(y_pred.shape)[-1], dtype=ops.dtype(y_pred))
    p = ops.sum(ops.multiply(y_pred, chosen), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


def ctc(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`ops.ctc_loss` for targets padded with 0, the class that means no label.

    y_true (n, labels) integers, y_pred (n, time, classes) logits -> (n,).

    Examples:
        >>> logits = 50 * np.eye(3)[[[1, 1, 0, 2]]]
        >>> unidl.losses.ctc([[1, 2]], logits) < 0.1
        array([ True])
    """
    backend = backend_of([y_pred, y_true])
    y_pred, y_true = as_float(backend, y_pred), backend.cast(native(backend, y_true), "int32")
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true) != 2 or len(pred) != 3:
        raise ValueError(
            f"ctc: y_true must have shape (n, labels) and y_pred (n, time, classes), got {true} "
            f"and {pred}."
        )
    labels = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    return ops.ctc_loss(y_true, y_pred, labels, ops.full_like(labels, pred[1]))


def sparse_targets(
    y_true: TensorLike,
    y_pred: TensorLike,
    axis: int = -1,
    name: str = "sparse_categorical_crossentropy",
    ignored: int | None = None,
) -> Tensor:
    """y_true as int32 of y_pred's shape without `axis`, y_pred as floats; errors for what looks
    like one-hot rows, and, in eager calls, for a class that is neither there nor `ignored`."""
    backend = backend_of([y_pred, y_true])
    y_pred, y_true = as_float(backend, y_pred), native(backend, y_true)
    if len(y_true.shape) == len(y_pred.shape) and tuple(y_true.shape)[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    check_sparse_shapes(name, tuple(y_true.shape), tuple(y_pred.shape), axis)
    if backend.has_value(y_true):
        counted = y_true
        if ignored is not None:
            counted = ops.where(ops.equal(y_true, ignored), ops.zeros_like(y_true), y_true)
        check_classes(name, counted, tuple(y_pred.shape)[axis])
    return (y_true if backend.dtype(y_true) == "int32" else backend.cast(y_true, "int32")), y_pred


def check_sparse_shapes(
    name: str | None, true: TensorLike, pred: TensorLike, axis: int = -1
) -> Tensor:
    """An error unless `true` is `pred` without `axis`."""
    if len(pred) == 0:
        raise ValueError(f"{name}: y_pred needs a class axis, got a single number.")
    axis %= len(pred)
    expected = pred[:axis] + pred[axis + 1 :]
    if len(true) == len(pred) and true[axis] == pred[axis] != 1:
        raise ValueError(
            f"{name}: y_true has the shape {true}, so it looks one-hot, but this loss needs class "
            f"numbers of shape {expected}. Use categorical_crossentropy, or pass np.argmax(y_true, "
            "axis=-1)."
        )
    if len(true) != len(expected) or any(
        a != b and None not in (a, b) for a, b in zip(true, expected, strict=True)
    ):
        raise ValueError(
            f"{name}: y_pred has the shape {pred}, so y_true must have the shape {expected} of "
            f"class numbers, got {true}."
        )


def check_categorical_shapes(name: str | None, true: TensorLike, pred: TensorLike) -> Tensor:
    """An error unless both shapes are equal."""
    if len(true) == len(pred) - 1 or (
        len(true) == len(pred) and true[-1] == 1 and pred[-1] not in (1, None)
    ):
        raise ValueError(
            f"{name}: y_true has the shape {true}, so it looks like class numbers, but this loss "
            f"needs one probability per class, with y_pred's shape {pred}. Use "
            f"sparse_categorical_crossentropy, or to_categorical(y, {pred[-1]})."
        )
    if len(true) != len(pred) or any(
        a != b and None not in (a, b) for a, b in zip(true, pred, strict=True)
    ):
        raise ValueError(f"{name}: y_true and y_pred need the same shape, got {true} and {pred}.")


def _categorical(
    name: str, y_true: TensorLike, y_pred: TensorLike, smoothing: Any, axis: Any
) -> Any:
    """Both as floats with the classes last, y_true smoothed."""
    backend = backend_of([y_pred, y_true])
    y_pred = as_float(backend, y_pred)
    y_true = as_float(backend, y_true, backend.dtype(y_pred))
    check_categorical_shapes(name, tuple(y_true.shape), tuple(y_pred.shape))
    if smoothing:
        y_true = ops.add(ops.multiply(y_true, 1 - smoothing), smoothing / tuple(y_true.shape)[-1])
    return ops.moveaxis(y_true, axis, -1), ops.moveaxis(y_pred, axis, -1)


def _binary(name: str, y_true: TensorLike, y_pred: TensorLike, smoothing: Any) -> Any:
    backend = backend_of([y_pred, y_true])
    y_pred = as_float(backend, y_pred)
    y_true = as_float(backend, y_true, backend.dtype(y_pred))
    check_equal_shapes(name, y_true, y_pred)
    if smoothing:
        y_true = ops.add(ops.multiply(y_true, 1 - smoothing), 0.5 * smoothing)
    return y_true, y_pred

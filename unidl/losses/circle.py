"""The circle loss, between the embeddings of a batch: Sun et al. (arXiv:2002.10857)."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl import ops
from unidl.losses.loss import OfIntegers
from unidl.losses.tensors import as_float, native
from unidl.ops.dispatch import backend_of
from unidl.typing import DType, Tensor, TensorLike
from unidl.utils.rules import FLAG, NUMBER


def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """softplus(logsumexp over equals of -gamma w (m - d) + logsumexp over others of gamma w' (1 - m
    - d)) -> (n,).

    d = max(1 - cosine, 0) between two embeddings, m = `margin`, w = max(m + d, 0), w' = max(1 + m -
    d, 0). A row without equals, or without others, gives 0.

    Args:
        y_true: class numbers (n,) or (n, 1).
        y_pred: embeddings (n, size) of length 1.
        ref_labels, ref_embeddings: compare with these instead of y_true and y_pred themselves.
        remove_diagonal: the i-th embedding is not compared with the i-th reference.

    Examples:
        >>> features = unidl.ops.normalize(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]))
        >>> unidl.losses.circle([0, 0, 1], features)  # one for each sample
        array([0., 0., 0.])
    """
    backend = backend_of([y_pred, y_true])
    y_pred, y_true = as_float(backend, y_pred), _numbers(backend, y_true)
    others = (
        y_pred
        if ref_embeddings is None
        else as_float(backend, ref_embeddings, backend.dtype(y_pred))
    )
    labels = y_true if ref_labels is None else _numbers(backend, ref_labels)
    distance = ops.maximum(ops.subtract(1.0, ops.matmul(y_pred, ops.transpose(others))), 0.0)
    equal = _pairwise(y_true, labels)
    different = ops.logical_not(equal)
    if remove_diagonal:
        equal = ops.logical_and(equal, ops.logical_not(_pairwise(_places(y_true), _places(labels))))
    defined = ops.logical_and(ops.any(equal, axis=1), ops.any(different, axis=1))
    pull = ops.multiply(ops.maximum(ops.add(distance, margin), 0.0), ops.subtract(distance, margin))
    push = ops.multiply(
        ops.maximum(ops.subtract(1 + margin, distance), 0.0), ops.subtract(1 - margin, distance)
    )
    total = ops.add(
        _logsumexp(ops.multiply(pull, gamma), equal, defined),
        _logsumexp(ops.multiply(push, gamma), different, defined),
    )
    return ops.where(defined, ops.softplus(total), ops.zeros_like(total))


def _numbers(backend: Any, labels: Any) -> Any:
    return ops.reshape(backend.cast(native(backend, labels), "int32"), (-1,))


def _places(labels: Any) -> Any:
    return ops.cumsum(ops.ones_like(labels))


def _pairwise(a: TensorLike, b: TensorLike) -> Any:
    return ops.equal(ops.expand_dims(a, 1), ops.expand_dims(b, 0))


def _logsumexp(x: TensorLike, chosen: Any, defined: Any) -> Any:
    """Over the chosen of each row; of all in rows that do not count, since the gradient of a sum of
    nothing is NaN."""
    chosen = ops.logical_or(chosen, ops.expand_dims(ops.logical_not(defined), 1))
    return ops.logsumexp(ops.where(chosen, x, ops.full_like(x, -float("inf"))), axis=1)


class Circle(OfIntegers):
    """Pulls embeddings of the same class together and pushes others apart. See `circle`. Rows with
    loss 0 do not count in the mean.

    Args:
        gamma: scale of the similarities.
        margin: how far similarities may stay from 1 and 0.
        remove_diagonal: do not compare an embedding with itself.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> features = unidl.ops.normalize(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]))
        >>> unidl.losses.Circle()(np.array([0, 0, 1]), features)  # the like are near
        array(0., dtype=float32)
        >>> unidl.losses.Circle()(np.array([0, 1, 0]), features)
        array(94.4, dtype=float32)
    """

    arguments = ("gamma", "margin", "remove_diagonal")

    _rules: ClassVar = {"gamma": NUMBER, "margin": NUMBER, "remove_diagonal": FLAG}

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )

    def mask_of(self, y_true: TensorLike, values: TensorLike) -> Any:
        return ops.greater(values, 0)

"""Bringing targets, predictions and weights together: backend, dtype, rank."""

from __future__ import annotations

from typing import Any

from unidl import ops
from unidl.backend import dtypes
from unidl.ops.dispatch import backend_of, convert
from unidl.typing import DType, Tensor, TensorLike


def together(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """(y_true, y_pred) as tensors of y_pred's backend and float dtype, with a last axis of size 1
    more or less made equal."""
    backend = backend_of([y_pred, y_true])
    y_pred = as_float(backend, y_pred)
    y_true = as_float(backend, y_true, backend.dtype(y_pred))
    return match_rank(y_true, y_pred)


def as_float(backend: Any, x: TensorLike, dtype: DType | None = None) -> Tensor:
    """`x` as a tensor of `backend` in `dtype`; by default floats keep theirs, and other numbers
    become `floatx`."""
    x = native(backend, x)
    if dtype is None:
        dtype = backend.dtype(x) if dtypes.is_float(backend.dtype(x)) else dtypes.floatx()
    return x if backend.dtype(x) == dtype else backend.cast(x, dtype)


def loss_values(who: str, values: Any) -> Tensor:
    """What a function of the user's returned for a loss, as a float tensor; `who` begins the
    message of the error if it is none."""
    if values is None:
        raise ValueError(f"{who} returned None. End it with: return loss.")
    if isinstance(values, bool | int | float):
        return ops.convert_to_tensor(float(values))
    if isinstance(values, str | bytes | dict | list | tuple) or not hasattr(values, "shape"):
        raise TypeError(
            f"{who} returned a {type(values).__name__}, but a loss must be a tensor with one float "
            "per sample, or a scalar."
        )
    dtype = ops.dtype(values)
    if not dtypes.is_float(dtype):
        raise TypeError(
            f"{who} returned {dtype}. Integers have no gradient, so nothing would be trained. "
            "Compute the loss in floats, without ops.cast(..., 'int32'), argmax or comparisons."
        )
    return values


def native(backend: Any, x: TensorLike) -> Tensor:
    """`x` as a tensor of `backend` in its own dtype."""
    return backend.asarray(convert(backend, x))


def match_rank(a: TensorLike, b: TensorLike) -> Tensor:
    """Make the ranks equal where one has a last axis of size 1 too many: (n,) with (n, 1) become
    (n, 1), else it is dropped."""
    if len(a.shape) < len(b.shape):
        b, a = match_rank(b, a)
        return a, b
    if len(a.shape) != len(b.shape) + 1 or tuple(a.shape)[-1] != 1:
        return a, b
    return (a, ops.expand_dims(b, -1)) if len(b.shape) == 1 else (ops.squeeze(a, -1), b)


def check_equal_shapes(name: str | None, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """An error unless the shapes broadcast against each other axis by axis."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    fits = len(true) == len(pred) and all(
        a == b or 1 in (a, b) or None in (a, b) for a, b in zip(true, pred, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{name}: y_true has the shape {true} and y_pred {pred}. Both need the same shape; "
            "give the model's last layer as "
            "many units as the target has columns, or reshape the target."
        )

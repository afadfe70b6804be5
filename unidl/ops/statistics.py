"""Correlations."""

from __future__ import annotations

from unidl.ops.dispatch import call, op, prepare_tensors, promote, tensor_of, to_float
from unidl.ops.elementwise import clip, divide, sqrt, square, subtract
from unidl.ops.products import matmul
from unidl.ops.reductions import mean
from unidl.ops.reductions import sum as sum_
from unidl.ops.repeating import flip, pad
from unidl.ops.shaping import reshape, transpose
from unidl.typing import Tensor, TensorLike

_MODES = ("valid", "same", "full")


@op
def corrcoef(x: TensorLike) -> Tensor:
    """(n, n) correlation coefficients (Pearson) of n variables with k observations each, x (n, k);
    1 for x (k,).

    Examples:
        >>> unidl.ops.corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
        array([[ 1., -1.],
               [-1.,  1.]], dtype=float32)
    """
    backend, x = tensor_of(x)
    x = to_float(backend, x)
    rank = len(backend.shape(x))
    if rank > 2:
        raise ValueError(
            "corrcoef: x must be (variables, observations), got the shape "
            f"{tuple(backend.shape(x))}."
        )
    rows = x if rank == 2 else reshape(x, (1, -1))
    centred = subtract(rows, mean(rows, -1, keepdims=True))
    unit = divide(centred, sqrt(sum_(square(centred), -1, keepdims=True)))
    result = clip(matmul(unit, transpose(unit)), -1.0, 1.0)
    return result if rank == 2 else reshape(result, ())


@op
def correlate(x1: TensorLike, x2: TensorLike, mode: str = "valid") -> Tensor:
    """Sums over n of x1[n + k] x2[n], x1 (m,) and x2 (n,), as floats.

    mode: "full" for all shifts k where they overlap, m + n - 1 of them; "same" for the middle
    max(m, n) of them; "valid" for those, max(m, n) - min(m, n) + 1, where one lies within the
    other.

    Examples:
        >>> unidl.ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0])
        array([2., 3.], dtype=float32)
        >>> unidl.ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0], mode="full")
        array([1., 2., 3., 0.], dtype=float32)
    """
    if mode not in _MODES:
        raise ValueError(f"correlate: mode must be one of {', '.join(_MODES)}, got {mode!r}.")
    backend, tensors = prepare_tensors((x1, x2))
    x1, x2 = promote(backend, tensors, to_floats=True)
    if len(backend.shape(x1)) != 1 or len(backend.shape(x2)) != 1:
        raise ValueError(
            f"correlate: both tensors must have one axis, got the shapes {backend.shape(x1)} and "
            f"{backend.shape(x2)}."
        )
    m, n = backend.shape(x1)[0], backend.shape(x2)[0]
    if not m or not n:
        raise ValueError(
            f"correlate: both tensors must have a known size of at least 1, got the shapes {(m,)} "
            f"and {(n,)}."
        )
    if m < n:
        return flip(correlate(x2, x1, mode), 0)
    before, after = {"valid": (0, 0), "same": (n // 2, n - n // 2 - 1), "full": (n - 1, n - 1)}[
        mode
    ]
    padded = reshape(pad(x1, ((before, after),)), (1, -1, 1))
    windows = call(
        "conv", padded, reshape(x2, (-1, 1, 1)), strides=(1,), padding="valid", dilation=(1,)
    )
    return reshape(windows, (-1,))

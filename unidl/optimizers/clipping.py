"""Limits on gradients. Lists of native tensors of `backend` in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.typing import Tensor


def clip_by_norm(backend: Any, grads: Sequence[Tensor | None], limit: Any) -> Any:
    """Each tensor scaled down to the Euclidean norm `limit` if it is longer."""
    return [
        backend.divide(backend.multiply(g, limit), backend.maximum(_norm(backend, [g]), limit))
        for g in grads
    ]


def clip_by_global_norm(backend: Any, grads: Sequence[Tensor | None], limit: Any) -> Any:
    """All tensors scaled down by one factor so that together they have at most the norm `limit`."""
    norm = _norm(backend, grads)
    # norm - norm is 0, or NaN for an infinite norm, which must not pass for a limit that worked.
    factor = backend.add(
        backend.divide(limit, backend.maximum(norm, limit)), backend.subtract(norm, norm)
    )
    return [backend.multiply(g, backend.cast(factor, backend.dtype(g))) for g in grads]


def clip_by_value(backend: Any, grads: Sequence[Tensor | None], limit: Any) -> Any:
    """Every element brought into [-limit, limit]."""
    return [backend.clip(g, -limit, limit) for g in grads]


def _norm(backend: Any, tensors: Any) -> Any:
    dtype = backend.dtype(tensors[0])
    total = None
    for x in tensors:
        square = backend.cast(backend.sum(backend.square(x)), dtype)
        total = square if total is None else backend.add(total, square)
    return backend.sqrt(total)

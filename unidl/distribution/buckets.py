"""Gradients of all variables, sent together, in fewer bytes if that is wanted."""

from __future__ import annotations

import math
from typing import Any

from unidl.distribution.active import distribution
from unidl.tracing.rows import all_reduce, current_rows


def whole_sums(backend: Any, gradients: list[Any]) -> list[Any]:
    """The sum of each gradient over all processes: one message for each dtype."""
    if current_rows() is None:
        return gradients
    active = distribution()
    wire = None if active is None else active.gradient_dtype
    if wire is not None:
        dtypes = [backend.dtype(gradient) for gradient in gradients]
        sums = _sums(backend, [backend.cast(gradient, wire) for gradient in gradients])
        return [backend.cast(total, dtype) for total, dtype in zip(sums, dtypes, strict=True)]
    return _sums(backend, gradients)


def _sums(backend: Any, gradients: list[Any]) -> list[Any]:
    of_dtype: dict[str, list[int]] = {}
    for i, gradient in enumerate(gradients):
        of_dtype.setdefault(backend.dtype(gradient), []).append(i)
    found = list(gradients)
    for members in of_dtype.values():
        shapes = [tuple(backend.shape(gradients[i])) for i in members]
        flat = [
            backend.reshape(gradients[i], (math.prod(shape),))
            for i, shape in zip(members, shapes, strict=True)
        ]
        total = all_reduce(backend, flat[0] if len(flat) == 1 else backend.concatenate(flat, 0))
        begin = 0
        for i, shape in zip(members, shapes, strict=True):
            end = begin + math.prod(shape)
            found[i] = backend.reshape(backend.getitem(total, (slice(begin, end),)), shape)
            begin = end
    return found

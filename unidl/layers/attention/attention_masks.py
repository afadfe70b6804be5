"""Boolean attention masks, True where a query may attend to a key."""

from __future__ import annotations

from typing import Any

from unidl import ops
from unidl.typing import TensorLike


def causal(queries: TensorLike, keys: TensorLike) -> Any:
    """(1, t, s): a query sees the keys up to its own place."""
    return ops.greater_equal(*_places(queries, keys))


def window(queries: TensorLike, keys: TensorLike, size: Any) -> Any:
    """(1, t, s): a query sees the keys less than `size` places from its own, on both sides."""
    return ops.less(ops.abs(ops.subtract(*_places(queries, keys))), size)


def _places(queries: TensorLike, keys: TensorLike) -> Any:
    """int32 (1, t, 1) and (1, 1, s): the place of each along axis 1."""
    return _place_along(queries, (1, -1, 1)), _place_along(keys, (1, 1, -1))


def _place_along(x: TensorLike, shape: Any) -> Any:
    return ops.reshape(ops.arange(ops.shape(x)[1], dtype="int32"), shape)


def both(*masks: Any) -> Any:
    """Those of `masks` that are not None, joined by "and"; None without any."""
    joined = None
    for mask in masks:
        if mask is not None:
            mask = ops.cast(mask, "bool")
            joined = mask if joined is None else ops.logical_and(joined, mask)
    return joined

"""Nested lists, tuples and dicts of tensors, as layers get and return them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unidl import ops, tree
from unidl.tracing import KerasTensor
from unidl.tracing.sizes import as_given
from unidl.typing import DType, Nest, TensorLike


def has_shape(value: TensorLike) -> bool:
    return hasattr(value, "shape") and not isinstance(value, type)


def leaves(structure: Nest) -> list[Any]:
    return [leaf for leaf in tree.flatten(structure) if leaf is not None]


def shapes_of(value: TensorLike) -> Any:
    """Shapes of the tensors in a structure: tuples in lists and dicts."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [shapes_of(v) for v in value]
    if isinstance(value, dict):
        return {k: shapes_of(v) for k, v in value.items()}
    return tuple(ops.shape(value)) if has_shape(value) else None


def map_shapes(function: Callable[..., Any], shapes: Any) -> Any:
    """What `shapes_of` gives (or a user, with tuples for lists too) with `function` applied to each
    shape."""
    if shapes is None:
        return None
    if isinstance(shapes, dict):
        return {k: map_shapes(function, v) for k, v in shapes.items()}
    if any(isinstance(s, list | tuple | dict) for s in shapes):
        return [map_shapes(function, s) for s in shapes]
    return function(shapes)


def shapes_as_given(shapes: Any) -> Any:
    """Shapes as their user knows them, with None for the numbers that stand for open axes."""
    return map_shapes(as_given, shapes)


def tensors_of(shapes: Any, dtype: DType) -> Any:
    """A KerasTensor for each shape."""
    return map_shapes(lambda shape: KerasTensor(shape, dtype), shapes)

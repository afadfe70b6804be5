"""Nested lists, tuples and dicts of tensors, as layers get and return them."""

from __future__ import annotations

from typing import Any

from unidl.typing import Nest, TensorLike


def has_shape(value: TensorLike) -> bool:
    return hasattr(value, "shape") and not isinstance(value, type)


def leaves(structure: Nest) -> list[Any]:
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in leaves(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in leaves(item)]
    return [] if structure is None else [structure]

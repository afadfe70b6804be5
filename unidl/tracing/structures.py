"""Nested lists, tuples and dicts that hold symbolic tensors."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.utils.nesting import too_deep


def flatten_tensors(structure, into=None):
    """The KerasTensors in nested lists, tuples and dicts, in order."""
    into = [] if into is None else into
    if isinstance(structure, KerasTensor):
        into.append(structure)
    elif isinstance(structure, list | tuple):
        try:
            for item in structure:
                flatten_tensors(item, into)
        except RecursionError:
            raise too_deep() from None
    elif isinstance(structure, dict):
        for item in structure.values():
            flatten_tensors(item, into)
    return into


def map_tensors(function, structure):
    """`structure` with `function` applied to each KerasTensor in it."""
    if isinstance(structure, KerasTensor):
        return function(structure)
    if isinstance(structure, list | tuple):
        items = [map_tensors(function, item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    if isinstance(structure, dict):
        return {key: map_tensors(function, item) for key, item in structure.items()}
    return structure

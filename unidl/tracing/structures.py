"""Nested lists, tuples and dicts that hold symbolic tensors."""

from __future__ import annotations

from unidl import tree
from unidl.tracing.keras_tensor import KerasTensor


def flatten_tensors(structure):
    """The KerasTensors in nested lists, tuples and dicts, in order."""
    return tree.instances(KerasTensor, structure)


def map_tensors(function, structure):
    """`structure` with `function` applied to each KerasTensor in it."""
    return tree.map_instances(function, KerasTensor, structure)

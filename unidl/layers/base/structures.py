"""Nested lists, tuples and dicts of tensors, as layers get and return them."""

from unidl import tree


def has_shape(value):
    return hasattr(value, "shape") and not isinstance(value, type)


def leaves(structure):
    return [leaf for leaf in tree.flatten(structure) if leaf is not None]

"""Nested lists, tuples and dicts of tensors, as layers get and return them."""


def has_shape(value):
    return hasattr(value, "shape") and not isinstance(value, type)


def leaves(structure):
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in leaves(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in leaves(item)]
    return [] if structure is None else [structure]

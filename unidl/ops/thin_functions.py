"""Makers of the thin public functions: a name of the contract and a docstring in, a function out."""

from __future__ import annotations

from unidl.ops.dispatch import call, call_bool, call_float, call_promoted, op


def _public(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__module__ = "unidl.ops"
    function.__doc__ = doc
    return op(function)


def unary(name, doc, to_float=True, contract=None):
    """x -> x's shape; integers become `floatx` first, unless they are kept."""
    target, reach = contract or name, call_float if to_float else call

    def function(x):
        return reach(target, x)

    return _public(function, name, doc)


def binary(name, doc, to_floats=False):
    """(x1, x2) -> their broadcast shape, in their common dtype (bool for comparisons)."""

    def function(x1, x2):
        return call_promoted(name, x1, x2, to_floats=to_floats)

    return _public(function, name, doc)


def bitwise(name, doc):
    """`binary` with Keras' argument names."""

    def function(x, y):
        return call_promoted(name, x, y)

    return _public(function, name, doc)


def logical(name, doc):
    """(x1, x2) as bools -> bool tensor of their broadcast shape."""

    def function(x1, x2):
        return call_bool(name, x1, x2)

    return _public(function, name, doc)

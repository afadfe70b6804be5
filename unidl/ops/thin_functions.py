"""Makers of the thin public functions: a name of the contract and a docstring in, a function out.

The protocols are the signatures that type checkers and editors show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from unidl.ops.dispatch import call, call_bool, call_float, call_promoted, op
from unidl.typing import Tensor, TensorLike

F = TypeVar("F", bound=Callable[..., Any])


class Unary(Protocol):
    def __call__(self, x: TensorLike) -> Tensor: ...


class Binary(Protocol):
    def __call__(self, x1: TensorLike, x2: TensorLike) -> Tensor: ...


class Bitwise(Protocol):
    def __call__(self, x: TensorLike, y: TensorLike) -> Tensor: ...


def _public(function: F, name: str, doc: str) -> F:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "unidl.ops"
    function.__doc__ = doc
    return op(function)


def unary(name: str, doc: str, to_float: bool = True, contract: str | None = None) -> Unary:
    """x -> x's shape; integers become `floatx` first, unless they are kept."""
    target, reach = contract or name, call_float if to_float else call

    def function(x: TensorLike) -> Tensor:
        return reach(target, x)

    return _public(function, name, doc)


def binary(name: str, doc: str, to_floats: bool = False) -> Binary:
    """(x1, x2) -> their broadcast shape, in their common dtype (bool for comparisons)."""

    def function(x1: TensorLike, x2: TensorLike) -> Tensor:
        return call_promoted(name, x1, x2, to_floats=to_floats)

    return _public(function, name, doc)


def bitwise(name: str, doc: str) -> Bitwise:
    """`binary` with Keras' argument names."""

    def function(x: TensorLike, y: TensorLike) -> Tensor:
        return call_promoted(name, x, y)

    return _public(function, name, doc)


def logical(name: str, doc: str) -> Binary:
    """(x1, x2) as bools -> bool tensor of their broadcast shape."""

    def function(x1: TensorLike, x2: TensorLike) -> Tensor:
        return call_bool(name, x1, x2)

    return _public(function, name, doc)

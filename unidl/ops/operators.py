"""Python's operators on the classes of our own: `x * 2` is `ops.multiply(x, 2)`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide",
    "floordiv": "floor_divide", "mod": "mod", "pow": "power", "matmul": "matmul",
    "and": "logical_and", "or": "logical_or", "xor": "logical_xor",
}  # fmt: skip
_COMPARISONS = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
_EQUALITY = {"eq": "equal", "ne": "not_equal"}
_UNARY = {"neg": "negative", "abs": "abs", "invert": "logical_not", "getitem": "get_item"}


# NumPy's functions that stand for an operator whose left side is an array.
_UFUNCS = {"remainder": "mod", "bitwise_and": "logical_and", "bitwise_or": "logical_or"} | {
    name: name for name in (*_BINARY.values(), *_COMPARISONS.values(), *_EQUALITY.values())
}


def bind_operators(
    cls: Any,
    functions: ModuleType,
    equality: bool = True,
    other_ufunc: Callable[..., Any] | None = None,
    any_place: bool = True,
) -> None:
    """Give `cls` the operators, taken from the module `functions`.

    Without `equality` == stays identity. `other_ufunc(self, name)` is called where a function of
    NumPy that is no operator meets an object; None: NumPy raises an error of its own. Without
    `any_place` np.add(x, 1) is no operator, and array + x is.
    """
    for python, name in (_BINARY | _UNARY | _COMPARISONS | (_EQUALITY if equality else {})).items():
        setattr(cls, f"__{python}__", _forward(getattr(functions, name)))
    for python, name in _BINARY.items():
        setattr(cls, f"__r{python}__", _reflected(getattr(functions, name)))
    # Gives a np.ndarray on the left no chance to take the object for an array of objects.
    cls.__array_ufunc__ = (
        None if other_ufunc is None else _of_numpy(functions, other_ufunc, any_place)
    )


def _of_numpy(
    functions: ModuleType, other_ufunc: Callable[..., Any], any_place: bool
) -> Callable[..., Any]:
    def array_ufunc(self: Any, ufunc: Any, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        name = _UFUNCS.get(ufunc.__name__)
        by_operator = any_place or isinstance(inputs[0], np.ndarray | np.generic)
        if name is None or method != "__call__" or kwargs or not by_operator:
            return other_ufunc(self, ufunc.__name__)
        return getattr(functions, name)(*inputs)

    return array_ufunc


def bind_equality_with_tensors(
    cls: Any, equal: Callable[..., Any], not_equal: Callable[..., Any]
) -> None:
    """`variable == tensor` is elementwise, whichever stands first; two variables are equal when
    they are one."""
    cls.__eq__ = lambda self, other: (
        self is other if other is None or isinstance(other, cls) else equal(self, other)
    )
    cls.__ne__ = lambda self, other: (
        self is not other if other is None or isinstance(other, cls) else not_equal(self, other)
    )
    cls.__hash__ = object.__hash__


def _forward(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *others: function(self, *others)


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self)

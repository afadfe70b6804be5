"""Python's operators on the classes of our own: `x * 2` is `ops.multiply(x, 2)`."""

from __future__ import annotations

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide", "mod": "mod",
    "pow": "power", "matmul": "matmul", "and": "logical_and", "or": "logical_or", "xor": "logical_xor",
}  # fmt: skip
_COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
_UNARY = {"neg": "negative", "abs": "abs", "invert": "logical_not", "getitem": "get_item"}


def bind_operators(cls, functions, comparisons=True):
    """Give `cls` the operators, taken from the module `functions`. Without `comparisons` equality stays identity."""
    for python, name in (_BINARY | _UNARY | (_COMPARISONS if comparisons else {})).items():
        setattr(cls, f"__{python}__", _forward(getattr(functions, name)))
    for python, name in _BINARY.items():
        setattr(cls, f"__r{python}__", _reflected(getattr(functions, name)))
    # Gives a np.ndarray on the left no chance to take the object for an array of objects.
    cls.__array_ufunc__ = None


def _forward(function):
    return lambda self, *others: function(self, *others)


def _reflected(function):
    return lambda self, other: function(other, self)

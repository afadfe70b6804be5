"""NumPy's own operators, methods and functions on a TapeArray, bound to the primitives.

What is not in the tables raises: nothing that NumPy can do loses a gradient in silence.
"""

# mypy: disable-error-code="attr-defined,operator,misc"

from __future__ import annotations

import operator

import numpy as np

from unidl_numpy import elementwise, indexing, products, reductions, shaping
from unidl_numpy import numpy_functions as functions
from unidl_numpy.promotion import operand, pair
from unidl_numpy.tape import plain, plain_tree
from unidl_numpy.tape_array import GradientError, TapeArray


def _binary(function):
    return lambda x, y: function(*pair(x, y))


def _reflected(function):
    return lambda x, y: function(*pair(y, x))


_OPERATORS = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.mod,
    "pow": elementwise.power,
    "matmul": products.matmul,
}
for _name, _function in _OPERATORS.items():
    setattr(TapeArray, f"__{_name}__", _binary(_function))
    setattr(TapeArray, f"__r{_name}__", _reflected(_function))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _compare = getattr(operator, _name)
    setattr(
        TapeArray,
        f"__{_name}__",
        lambda x, y, compare=_compare: compare(x._plain, plain(operand(y))),
    )
TapeArray.__neg__ = elementwise.negative
TapeArray.__pos__ = lambda x: x
TapeArray.__abs__ = elementwise.abs
TapeArray.__getitem__ = lambda x, key: indexing.getitem(x, plain_tree(key))
TapeArray.__iter__ = lambda x: iter(shaping.unstack(x, 0))


# -- methods
# -------------------------------------------------------------------------------------------

TapeArray.T = property(lambda x: functions.transpose(x))
TapeArray.mT = property(lambda x: functions.swapaxes(x, -1, -2))
for _name, _function in functions.METHODS.items():
    setattr(TapeArray, _name, _function)
TapeArray.astype = lambda x, dtype, *args, **kwargs: shaping.cast(x, np.dtype(dtype))
TapeArray.reshape = lambda x, *shape, order="C": functions.reshape(
    x, shape[0] if len(shape) == 1 else shape, order
)
TapeArray.transpose = lambda x, *axes: functions.transpose(
    x, (axes[0] if len(axes) == 1 else axes) or None
)


# -- ufuncs
# --------------------------------------------------------------------------------------------


def _identity(x):
    return x


_UNARY = {
    getattr(np, name): getattr(elementwise, name)
    for name in (
        "negative", "square", "sqrt", "reciprocal", "exp", "expm1", "log", "log1p", "sin",
        "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh",
        "arctanh", "sign", "floor", "ceil", "trunc",
    )
} | {
    np.absolute: elementwise.abs,
    np.fabs: elementwise.abs,
    np.rint: elementwise.round,
    np.positive: _identity,
    np.exp2: lambda x: elementwise.exp(elementwise.multiply(x, float(np.log(2)))),
    np.log2: lambda x: elementwise.multiply(elementwise.log(x), float(1 / np.log(2))),
    np.log10: lambda x: elementwise.multiply(elementwise.log(x), float(1 / np.log(10))),
}  # fmt: skip
_BINARY = {
    getattr(np, name): getattr(elementwise, name)
    for name in (
        "add",
        "subtract",
        "multiply",
        "divide",
        "floor_divide",
        "mod",
        "power",
        "maximum",
        "minimum",
        "arctan2",
    )
} | {np.matmul: products.matmul}
_CONSTANT = {
    np.isnan, np.isinf, np.isfinite, np.signbit, np.equal, np.not_equal, np.less, np.less_equal,
    np.greater, np.greater_equal, np.logical_not, np.logical_and, np.logical_or, np.logical_xor,
    np.heaviside, np.spacing,
}  # fmt: skip
_REDUCE = {
    np.add: reductions.sum,
    np.multiply: reductions.prod,
    np.maximum: reductions.max,
    np.minimum: reductions.min,
}


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    if kwargs.get("out") is not None:
        raise GradientError(
            f"np.{ufunc.__name__} into an existing array (out=, or a += x) loses the gradient of "
            "x. Write a = a + x."
        )
    kwargs.pop("out", None)
    if method == "__call__" and ufunc in _CONSTANT:
        return ufunc(*[plain(operand(x)) for x in inputs], **kwargs)
    if method == "__call__" and not kwargs:
        if ufunc in _UNARY:
            return _UNARY[ufunc](*inputs)
        if ufunc in _BINARY:
            return _BINARY[ufunc](*pair(*inputs))
    if method == "reduce" and ufunc in _REDUCE and not set(kwargs) - {"axis", "keepdims"}:
        return _REDUCE[ufunc](*inputs, **{"axis": 0, **kwargs})
    call = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    raise no_gradient(call, kwargs)


def no_gradient(name, kwargs=()):
    given = f" with {', '.join(sorted(kwargs))}=" if kwargs else ""
    return GradientError(
        f"np.{name}{given} has no gradient here; write it with functions of unidl.ops, "
        "or unidl.ops.stop_gradient(x) where no gradient should flow."
    )


def _array_function(self, function, types, args, kwargs):
    handler = functions.TABLE.get(function)
    if handler is not None:
        return handler(*args, **kwargs)
    if function in functions.CONSTANT:
        return function(*plain_tree(args), **plain_tree(kwargs))
    module = function.__module__.removeprefix("numpy").lstrip(".")
    raise no_gradient(f"{module}.{function.__name__}" if module else function.__name__)


TapeArray.__array_ufunc__ = _array_ufunc
TapeArray.__array_function__ = _array_function

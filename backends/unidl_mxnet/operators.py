"""MXNet's operators on arrays meet unidl's Variables: `ops.matmul(x, kernel) + bias` in a layer's own `call`.

Any other class would answer NotImplemented for a type that it does not know, and Python would ask the Variable; MXNet raises.
So here a Variable on the right is read before MXNet sees it.
"""

from __future__ import annotations

import functools

from unidl.backend.variable import Variable
from unidl_mxnet.load import mx

_OPERATORS = (
    "add",
    "sub",
    "mul",
    "truediv",
    "mod",
    "pow",
    "matmul",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
)


def _reading(operator):
    @functools.wraps(operator)
    def read_and_call(self, other):
        return operator(self, other.value if isinstance(other, Variable) else other)

    return read_and_call


def read_variables():
    """Teach `mx.np.ndarray` to take Variables as right operands."""
    for name in _OPERATORS:
        method = f"__{name}__"
        setattr(mx.np.ndarray, method, _reading(getattr(mx.np.ndarray, method)))

"""Operators between MXNet's arrays, symbols and unidl's Variables.

On arrays the operators are MXNet's. Any other class would answer NotImplemented for a type that it
does not know, and Python would ask the Variable; MXNet raises. So a Variable on the right is read
before MXNet sees it. What is traced gets all operators from `unidl.ops`, so that a layer's own
`x * gate` works while it is compiled too.
"""

from __future__ import annotations

import functools

from unidl import ops
from unidl.backend.variable import Variable
from unidl.ops.operators import bind_operators
from unidl_mxnet.load import mx
from unidl_mxnet.traced import Traced

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


for _name in _OPERATORS:
    _method = f"__{_name}__"
    setattr(mx.np.ndarray, _method, _reading(getattr(mx.np.ndarray, _method)))
bind_operators(Traced, ops)

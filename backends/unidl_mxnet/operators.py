"""Operators between MXNet's arrays, symbols and unidl's Variables.

On arrays the operators are MXNet's. Any other class would answer NotImplemented for a type that it
does not know, and Python would ask the right operand; MXNet raises. So a Variable on the right is
read before MXNet sees it, and a tensor without value is asked itself. What is traced gets all
operators from `unidl.ops`, so that a layer's own `x * gate` works while it is compiled too.
"""

from __future__ import annotations

import functools

from unidl import ops
from unidl.backend.variable import Variable
from unidl.ops.operators import bind_operators
from unidl.tracing import KerasTensor
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
    "iadd",
    "isub",
    "imul",
    "itruediv",
)


_SYMBOLS = (KerasTensor, Traced)


def _asking(operator):
    @functools.wraps(operator)
    def ask_or_call(self, other):
        other = other.value if isinstance(other, Variable) else other
        return NotImplemented if isinstance(other, _SYMBOLS) else operator(self, other)

    return ask_or_call


for _name in _OPERATORS:
    _method = f"__{_name}__"
    setattr(mx.np.ndarray, _method, _asking(getattr(mx.np.ndarray, _method)))
bind_operators(Traced, ops)

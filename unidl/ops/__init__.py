"""Functions of tensors, under the names of NumPy and Keras. Native tensors in, native tensors out.

The backend is that of the first native tensor; NumPy arrays and numbers belong to the active one.
"""

import sys

from unidl.backend.symbolic import KerasTensor
from unidl.backend.variable import Variable
from unidl.ops import core, creation, elementwise, indexing, linalg, nn, products, reductions, shaping
from unidl.ops.operators import bind_operators

_MODULES = (core, creation, elementwise, shaping, indexing, reductions, products, linalg, nn)


def _public(module):
    """The functions that `module` itself defines, and its other names for them."""
    for name, value in vars(module).items():
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__:
            yield name, value


for _module in _MODULES:
    globals().update(_public(_module))

__all__ = sorted({name for module in _MODULES for name, _ in _public(module)})

bind_operators(KerasTensor, sys.modules[__name__])
bind_operators(Variable, sys.modules[__name__], comparisons=False)

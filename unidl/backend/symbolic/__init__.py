"""The symbolic backend: the contract on tensors that have only a shape and a dtype.

It infers the output of any function or layer, builds the functional graph, and is where shapes are checked: its errors are
those that every backend gives.
"""

from unidl.backend.symbolic.adapter import SymbolicBackend, symbolic
from unidl.backend.symbolic.tensor import KerasTensor, is_keras_tensor

__all__ = ["KerasTensor", "SymbolicBackend", "is_keras_tensor", "symbolic"]

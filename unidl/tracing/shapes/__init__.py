"""The symbolic backend: the contract on tensors that have only a shape and a dtype.

It infers the output of any function or layer, and is where shapes are checked: its errors are
those that every backend gives.
"""

from unidl.tracing.shapes.adapter import SymbolicBackend, symbolic

__all__ = ["SymbolicBackend", "symbolic"]

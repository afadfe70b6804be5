"""Values that are not there yet: symbols, shape rules, the functional graph, captured steps."""

from unidl.tracing.keras_tensor import KerasTensor, is_keras_tensor
from unidl.tracing.shapes import SymbolicBackend, symbolic

__all__ = ["KerasTensor", "SymbolicBackend", "is_keras_tensor", "symbolic"]

"""Models as ONNX files: the contract's operations, each written as operators of ONNX.

`recorder.py` is a backend whose tensors are names in a graph; a model is called on it once.
`table.py` has a function for each operation that ONNX has an operator for, a file for each family;
all others are composed by the contract's own bodies.
"""

from unidl.port.onnx_out.export import to_onnx
from unidl.port.onnx_out.written import OnnxFile

__all__ = ["OnnxFile", "to_onnx"]

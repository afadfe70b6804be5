"""ONNX graphs as calls of `unidl.ops`, on whatever backend is active.

    outputs = run_onnx("model.onnx", {"x": images})

Needs the package onnx, an extra: pip install "unidl-framework[onnx]".
"""

from unidl.port.onnx.errors import OnnxError
from unidl.port.onnx.importer import OnnxFunction, read_onnx, run_onnx
from unidl.port.onnx.table import supported_operators

__all__ = ["OnnxError", "OnnxFunction", "read_onnx", "run_onnx", "supported_operators"]

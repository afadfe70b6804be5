"""ONNX files as models that train: layers where a node and its weights are one.

What `port.onnx` only runs becomes a functional model here. Families of operators have a file each;
every other operator is called as it is run, on symbolic tensors.
"""

from unidl.port.onnx_model.importer import from_onnx

__all__ = ["from_onnx"]

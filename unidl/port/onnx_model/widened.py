"""The same model with its numbers in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.port.onnx.errors import onnx_package


def widened(proto: Any) -> Any:
    """A copy of a ModelProto in which every float is a float64."""
    onnx = onnx_package()
    found = type(proto)()
    found.CopyFrom(proto)
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    _widen(onnx, found.graph, floats)
    return found


def _widen(onnx, graph, floats):
    double = onnx.TensorProto.DOUBLE
    for tensor in graph.initializer:
        _widen_tensor(onnx, tensor, floats)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type in floats:
            value.type.tensor_type.elem_type = double
    for node in graph.node:
        if node.op_type == "ConstantOfShape" and not node.attribute:
            zero = onnx.numpy_helper.from_array(np.zeros(1))
            node.attribute.append(onnx.helper.make_attribute("value", zero))
        for attribute in list(node.attribute):
            if attribute.HasField("g"):
                _widen(onnx, attribute.g, floats)
            elif attribute.HasField("t"):
                _widen_tensor(onnx, attribute.t, floats)
            elif attribute.name in ("to", "dtype", "stash_type") and attribute.i in floats:
                attribute.i = double
            elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
                numbers = onnx.helper.get_attribute_value(attribute)
                tensor = onnx.numpy_helper.from_array(np.asarray(numbers, "float64"))
                node.attribute.remove(attribute)
                node.attribute.append(onnx.helper.make_attribute("value", tensor))


def _widen_tensor(onnx, tensor, floats):
    if tensor.data_type in floats:
        array = onnx.numpy_helper.to_array(tensor).astype("float64")
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))

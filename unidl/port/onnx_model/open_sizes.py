"""What depends on the sizes of open axes: shapes, and arrays that exporters make of them."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.port.laid import Laid
from unidl.port.onnx_model.resizing import resized
from unidl.port.onnx_model.shapes import expanded, open_axis, reshaped, zeros_along


def of_open_sizes(build, node):
    """A node that takes sizes which change, or arrays of such sizes."""
    first = node.inputs[0]
    if first not in build.sizes.varying:
        if node.operator == "Reshape":
            return reshaped(build, build.tensor(build.values[first]).first(), node.outputs[0])
        if node.operator == "Expand":
            return expanded(build, build.values[first], node.outputs[0])
        if node.operator == "Resize":
            return resized(build, node, build.tensor(build.values[first]))
    return None


def filled(build, name):
    """An array of one number, as ConstantOfShape makes it, with open axes."""
    number = build.sizes.number_in(name)
    shape = build.sizes.shape(name)
    if number is None or not shape:
        return open_axis(build, name)
    y = np.full([1 if n is None else n for n in shape], number, number.dtype)
    for axis, n in enumerate(shape):
        if n is None:
            y = ops.add(y, zeros_along(build, name, axis, len(shape), number.dtype.name))
    return Laid(y)

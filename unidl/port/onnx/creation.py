"""New tensors. They depend on no values but shapes and numbers, so they are made on the host, where
they are constants."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import dtype_of, host, ints


@handles("Constant")
def constant(node):
    for name, dtype in (
        ("value", None),
        ("value_float", "float32"),
        ("value_floats", "float32"),
        ("value_int", "int64"),
        ("value_ints", "int64"),
    ):
        if name in node:
            return np.asarray(node[name], dtype)
    raise node.unsupported(
        f"only constants of tensors and numbers are supported, got {', '.join(node.attributes)}."
    )


@handles("ConstantOfShape")
def constant_of_shape(node, shape):
    value = np.zeros(1, "float32") if node["value"] is None else node["value"]
    return np.full(ints(shape), value.item(), value.dtype)


@handles("Range")
def numbers(node, start, limit, step):
    return ops.cast(np.arange(*(host(x).item() for x in (start, limit, step))), ops.dtype(start))


@handles("EyeLike")
def eye_like(node, x):
    rows, columns = ops.shape(x)
    return ops.eye(
        rows,
        columns,
        node["k"] or 0,
        ops.dtype(x) if node["dtype"] is None else dtype_of(node["dtype"]),
    )


@handles("OneHot")
def one_hot(node, indices, depth, values):
    """values [off, on]; negative indices count from the end, and what is out of range is off
    everywhere."""
    depth, (off, on) = int(host(depth).item()), ops.unstack(values)
    indices = ops.cast(indices, "int64")
    indices = ops.where(ops.less(indices, 0), ops.add(indices, depth), indices)
    hot = ops.one_hot(indices, depth, node["axis"], "bool")
    return ops.where(hot, on, off)


@handles("HannWindow", "HammingWindow", "BlackmanWindow")
def window(node, size):
    """A sum of cosines over `size` points, the last of which is the first of the next period if
    `periodic`."""
    weights = {
        "HannWindow": (0.5, 0.5),
        "HammingWindow": (25 / 46, 21 / 46),
        "BlackmanWindow": (0.42, 0.5, 0.08),
    }[node.operator]
    size = int(host(size).item())
    angle = 2 * np.pi * np.arange(size) / (size if node["periodic"] else size - 1)
    return sum((-1) ** i * weight * np.cos(i * angle) for i, weight in enumerate(weights)).astype(
        dtype_of(node["output_datatype"])
    )

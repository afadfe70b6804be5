"""Products of tensors."""

from __future__ import annotations

from unidl import ops
from unidl.port.onnx.table import handles, plain
from unidl.port.onnx.values import as_

plain({"Det": ops.det, "MatMul": ops.matmul})


@handles("Gemm")
def gemm(node, a, b, c=None):
    """alpha * A @ B + beta * C."""
    a = ops.transpose(a) if node["transA"] else a
    b = ops.transpose(b) if node["transB"] else b
    y = ops.matmul(a, b)
    y = y if node["alpha"] == 1 else ops.multiply(y, as_(node["alpha"], y))
    if c is None:
        return y
    return ops.add(y, c if node["beta"] == 1 else ops.multiply(c, as_(node["beta"], c)))


@handles("Einsum")
def einsum(node, *xs):
    return ops.einsum(node["equation"].replace(" ", ""), *xs)

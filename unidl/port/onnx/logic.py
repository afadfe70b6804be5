"""Comparisons, bools, bits, dtypes, choices."""

from __future__ import annotations

from unidl import ops
from unidl.port.onnx.table import handles, plain
from unidl.port.onnx.values import dtype_of

plain({
    "And": ops.logical_and, "BitwiseAnd": ops.bitwise_and, "BitwiseNot": ops.bitwise_not,
    "BitwiseOr": ops.bitwise_or, "BitwiseXor": ops.bitwise_xor, "Equal": ops.equal,
    "Greater": ops.greater, "GreaterOrEqual": ops.greater_equal, "IsNaN": ops.isnan,
    "Less": ops.less, "LessOrEqual": ops.less_equal, "Not": ops.logical_not, "Or": ops.logical_or,
    "Where": ops.where, "Xor": ops.logical_xor,
})  # fmt: skip


@handles("IsInf")
def is_infinite(node, x):
    functions = [
        f
        for f, name in ((ops.isneginf, "detect_negative"), (ops.isposinf, "detect_positive"))
        if node[name]
    ]
    if len(functions) == 2:
        return ops.isinf(x)
    return functions[0](x) if functions else ops.zeros_like(x, "bool")


@handles("Cast")
def cast(node, x):
    dtype = dtype_of(node["to"])
    return x if ops.dtype(x) == dtype else ops.cast(x, dtype)


@handles("CastLike")
def cast_like(node, x, like):
    return ops.cast(x, ops.dtype(like))


@handles("BitCast")
def bits_as(node, x):
    x = ops.cast(x, "uint8") if ops.dtype(x) == "bool" else x  # a byte of 0 or 1
    return ops.view(x, dtype_of(node["to"]))

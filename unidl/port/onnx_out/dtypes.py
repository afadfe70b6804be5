"""Dtypes of tensors as numbers of ONNX."""

from __future__ import annotations

from typing import Any

from unidl.port.errors import Refused
from unidl.port.onnx.errors import onnx_package

_NAMES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64",
    "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "float16": "FLOAT16",
    "bfloat16": "BFLOAT16", "float32": "FLOAT", "float64": "DOUBLE",
}  # fmt: skip


def number_of(dtype: str) -> Any:
    """The TensorProto.DataType of `dtype`."""
    if dtype not in _NAMES:
        raise Refused(
            f"tensors of {dtype} are not written; cast them to one of {', '.join(_NAMES)}"
        )
    return getattr(onnx_package().TensorProto, _NAMES[dtype])

"""Writers: what puts elements into order."""

from __future__ import annotations

from typing import Any

from unidl.port.onnx_out.elementwise import cast_to
from unidl.port.onnx_out.sizes import size_tensor
from unidl.port.onnx_out.table import writes

_WIDER = {
    "bool": "int32", "int8": "int32", "uint8": "int32", "int16": "int32", "uint16": "int32",
    "uint32": "int64",
}  # fmt: skip  # what runtimes put into order


def _sorted(to: Any, x: Any, axis: int, count: Any, largest: int) -> list[str]:
    dtype = _WIDER.get(x.dtype, x.dtype)
    values, places = to.node(
        "TopK", to.cast(x, dtype), size_tensor(to, count), outputs=2, axis=axis, largest=largest
    )
    return [values if dtype == x.dtype else cast_to(to, values, x.dtype), places]


@writes("sort")
def sort(to: Any, spec: Any, x: Any, axis: int) -> str:
    return _sorted(to, x, axis, x.shape[axis], 0)[0]


@writes("argsort")
def argsort(to: Any, spec: Any, x: Any, axis: int) -> str:
    return cast_to(to, _sorted(to, x, axis, x.shape[axis], 0)[1], "int32")


@writes("top_k")
def top_k(to: Any, spec: Any, x: Any, k: int) -> tuple[str, str]:
    values, places = _sorted(to, x, -1, k, 1)
    return values, cast_to(to, places, "int32")

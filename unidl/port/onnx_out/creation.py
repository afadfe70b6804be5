"""Writers: tensors out of numbers, dtypes."""

from __future__ import annotations

from typing import Any

from unidl.port.onnx_out.dtypes import number_of
from unidl.port.onnx_out.sizes import size_tensor, sizes_tensor
from unidl.port.onnx_out.table import Laid, writes


@writes("cast")
def cast(to: Any, spec: Any, x: Any, dtype: str) -> Any:
    name, axes = to.any_order(x)
    return Laid(to.node("Cast", name, to=number_of(spec.dtype)), axes)


@writes("full")
def full(to: Any, spec: Any, shape: Any, value: Any, dtype: str) -> str:
    return to.node("Expand", to.number(value, spec.dtype), sizes_tensor(to, spec.shape))


@writes("full_like")
def full_like(to: Any, spec: Any, x: Any, value: Any, dtype: Any = None) -> Laid:
    name, axes = to.any_order(x)
    number = to.number(value, spec.dtype)
    return Laid(to.node("Expand", number, to.node("Shape", name)), axes)


@writes("arange")
def arange(to: Any, spec: Any, start: Any, stop: Any, step: Any, dtype: str) -> Any:
    if not all(isinstance(n, int) for n in (start, stop, step)):
        return NotImplemented
    ends = [to.node("Squeeze", size_tensor(to, n)) for n in (start, stop, step)]
    return to.node("Cast", to.node("Range", *ends), to=number_of(spec.dtype))

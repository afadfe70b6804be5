"""Shape rules of `contract/special.py`."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import broadcast, check_rank
from unidl.tracing.shapes.operands import common_dtype
from unidl.tracing.sizes import is_open


class Special:
    def gcd(self, x1, x2):
        dtype = common_dtype("gcd", x1, x2)
        if not dtypes.is_integer(dtype):
            raise TypeError(f"gcd: integer tensors are required, got {dtype}.")
        return KerasTensor(broadcast("gcd", x1.shape, x2.shape), dtype)

    def nextafter(self, x1, x2):
        return KerasTensor(
            broadcast("nextafter", x1.shape, x2.shape), common_dtype("nextafter", x1, x2)
        )

    def i0(self, x):
        return KerasTensor(x.shape, x.dtype)

    def bitcast(self, x, dtype):
        old, new = _bytes(x.dtype), _bytes(dtype)
        if old == new:
            return KerasTensor(x.shape, dtype)
        check_rank("view", "a tensor read as numbers of another width", x.shape, 1)
        last = x.shape[-1]
        if not is_open(last) and last * old % new:
            raise ValueError(
                f"view: the last axis of the shape {x.shape}, {last * old} bytes, does not hold a "
                f"whole number of elements of {dtype}."
            )
        return KerasTensor((*x.shape[:-1], None if last is None else last * old // new), dtype)


def _bytes(dtype):
    return 1 if dtype == "bool" else int("".join(c for c in dtype if c.isdigit())) // 8

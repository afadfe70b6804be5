"""What shape rules ask of their operands, and the rule of functions that keep shape and dtype."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.tracing.keras_tensor import KerasTensor

INTEGERS_TOO = ("negative", "abs", "sign", "square", "clip", "relu", "relu6")


def operand_shape(x):
    return x.shape if isinstance(x, KerasTensor) else ()


def common_dtype(name, *operands):
    """The one dtype of the tensors among `operands`."""
    found = {x.dtype for x in operands if isinstance(x, KerasTensor)}
    if len(found) != 1:
        raise TypeError(
            f"{name}: tensors must have the same dtype, got "
            f"{' and '.join(sorted(found)) or 'none'}. Use ops.cast."
        )
    return found.pop()


def check_bool(name, *operands):
    for x in operands:
        if isinstance(x, KerasTensor) and x.dtype != "bool":
            raise TypeError(
                f"{name}: a bool tensor is required, got {x.dtype}. Compare it, or use ops.cast(x, "
                '"bool").'
            )


def same_shape(name):
    def rule(self, x, *args, **kwargs):
        if name not in INTEGERS_TOO and not dtypes.is_float(x.dtype):
            raise TypeError(
                f"{name}: a float tensor is required, got {x.dtype}. Use ops.cast(x, "
                f"{dtypes.floatx()!r})."
            )
        return KerasTensor(x.shape, x.dtype)

    return rule

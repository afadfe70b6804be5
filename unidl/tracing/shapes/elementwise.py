"""Symbolic rules of the tables in `contract.names`: one for each group."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.backend.contract import names
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import broadcast, one_axis, some_axes

# Functions of the contract with a body that keep shape and dtype of their first argument, whatever the others are.
SAME = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "softplus", "silu", "gelu", "rsqrt", "reciprocal", "clip",
)  # fmt: skip
INTEGERS_TOO = ("negative", "abs", "sign", "square", "clip", "relu", "relu6")


def operand_shape(x):
    return x.shape if isinstance(x, KerasTensor) else ()


def common_dtype(name, *operands):
    """The one dtype of the tensors among `operands`."""
    found = {x.dtype for x in operands if isinstance(x, KerasTensor)}
    if len(found) != 1:
        raise TypeError(
            f"{name}: tensors of one dtype are needed, got {' and '.join(sorted(found)) or 'none'}. Use ops.cast."
        )
    return found.pop()


def check_bool(name, *operands):
    for x in operands:
        if isinstance(x, KerasTensor) and x.dtype != "bool":
            raise TypeError(
                f'{name}: a bool tensor is needed, got {x.dtype}. Compare it, or use ops.cast(x, "bool").'
            )


class Elementwise:
    def where(self, condition, x1, x2):
        check_bool("where", condition)
        shape = broadcast("where", condition.shape, operand_shape(x1), operand_shape(x2))
        return KerasTensor(shape, common_dtype("where", x1, x2))

    def logical_not(self, x):
        check_bool("logical_not", x)
        return KerasTensor(x.shape, "bool")

    def left_shift(self, x, bits):
        return KerasTensor(x.shape, x.dtype)

    right_shift = left_shift

    def sort(self, x, axis):
        one_axis("sort", axis, x.ndim, x.shape)
        return KerasTensor(x.shape, x.dtype)

    def argsort(self, x, axis):
        one_axis("argsort", axis, x.ndim, x.shape)
        return KerasTensor(x.shape, "int32")

    def softmax(self, x, axis=-1):
        return _along("softmax", x, axis)

    def log_softmax(self, x, axis=-1):
        return _along("log_softmax", x, axis)


def _along(name, x, axis):
    some_axes(name, axis, x.ndim, x.shape)
    return KerasTensor(x.shape, x.dtype)


def _same(name):
    def rule(self, x, *args, **kwargs):
        if name not in INTEGERS_TOO and not dtypes.is_float(x.dtype):
            raise TypeError(
                f"{name}: a float tensor is needed, got {x.dtype}. Use ops.cast(x, {dtypes.floatx()!r})."
            )
        return KerasTensor(x.shape, x.dtype)

    return rule


def _predicate(name):
    return lambda self, x: KerasTensor(x.shape, "bool")


def _binary(name):
    def rule(self, x1, x2):
        return KerasTensor(
            broadcast(name, operand_shape(x1), operand_shape(x2)), common_dtype(name, x1, x2)
        )

    return rule


def _comparison(name):
    def rule(self, x1, x2):
        common_dtype(name, x1, x2)
        return KerasTensor(broadcast(name, operand_shape(x1), operand_shape(x2)), "bool")

    return rule


def _logical(name):
    def rule(self, x1, x2):
        check_bool(name, x1, x2)
        return KerasTensor(broadcast(name, operand_shape(x1), operand_shape(x2)), "bool")

    return rule


def _bitwise(name):
    binary = _binary(name)

    def rule(self, x1, x2):
        result = binary(self, x1, x2)
        if dtypes.is_float(result.dtype):
            raise TypeError(f"{name}: integer tensors are needed, got {result.dtype}.")
        return result

    return rule


def reduced(name, x, axis, keepdims):
    """Shape of `x` without (or with 1 for) the axes in `axis`."""
    axes = some_axes(name, axis, x.ndim, x.shape)
    return tuple(
        1 if i in axes else size for i, size in enumerate(x.shape) if keepdims or i not in axes
    )


def _reduction(name, dtype=None):
    def rule(self, x, axis=None, keepdims=False):
        return KerasTensor(reduced(name, x, axis, keepdims), dtype or x.dtype)

    return rule


def _extreme(name):
    def rule(self, x, axis=None, keepdims=False):
        shape = reduced(name, x, axis, keepdims)
        empty = [i for i in some_axes(name, axis, x.ndim, x.shape) if x.shape[i] == 0]
        if empty:
            raise ValueError(
                f"{name}: axis {empty[0]} of the shape {x.shape} is empty, so there is no {name[-3:]}imum."
            )
        return KerasTensor(shape, "int32" if name.startswith("arg") else x.dtype)

    return rule


def _logical_reduction(name):
    def rule(self, x, axis=None, keepdims=False):
        check_bool(name, x)
        return KerasTensor(reduced(name, x, axis, keepdims), "bool")

    return rule


def _cumulative(name):
    def rule(self, x, axis):
        one_axis(name, axis, x.ndim, x.shape)
        return KerasTensor(x.shape, x.dtype)

    return rule


for _names, _rule in (
    (names.UNARY + SAME, _same),
    (names.UNARY_PREDICATE, _predicate),
    (names.BINARY, _binary),
    (names.COMPARISON, _comparison),
    (names.LOGICAL, _logical),
    (names.BITWISE, _bitwise),
    (("sum", "mean", "prod", "var", "logsumexp"), _reduction),
    (("max", "min", *names.REDUCTION_INDEX), _extreme),
    (names.REDUCTION_LOGICAL, _logical_reduction),
    (names.CUMULATIVE, _cumulative),
):
    for _name in _names:
        setattr(Elementwise, _name, _rule(_name))

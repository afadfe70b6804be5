"""Shape rules of `contract/math.py`: products, and one rule for each table of
`contract/names.py`."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.backend.contract import names
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, one_axis, some_axes
from unidl.tracing.shapes.operands import check_bool, common_dtype, operand_shape, same_shape
from unidl.tracing.shapes.subscripts import einsum_shape

# Functions with a body that keep shape and dtype of their first argument, whatever the others are.
SAME = ("rsqrt", "reciprocal", "clip")


class Math:
    def matmul(self, x1, x2):
        a, b = x1.shape, x2.shape
        if not a or not b:
            raise ValueError(
                f"matmul: both tensors need at least one axis, got {a} and {b}. Use multiply for "
                "numbers."
            )
        inner = b[-2] if len(b) > 1 else b[0]
        if not agree(a[-1], inner):
            raise ValueError(
                f"matmul: the shapes {a} and {b} do not fit: the last axis of the first, {a[-1]}, "
                "must equal the "
                f"{'last but one' if len(b) > 1 else 'only'} axis of the second, {inner}. "
                "Transpose one of them, or check the number "
                "of features."
            )
        batch = broadcast("matmul", a[:-2], b[:-2])
        return KerasTensor(
            (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ())), common_dtype("matmul", x1, x2)
        )

    def einsum(self, subscripts, *operands):
        dtype = common_dtype("einsum", *operands)
        return KerasTensor(einsum_shape(subscripts, [x.shape for x in operands]), dtype)

    def tensordot(self, x1, x2, axes):
        dtype, a, b = common_dtype("tensordot", x1, x2), x1.shape, x2.shape
        if isinstance(axes, int):
            if axes > min(len(a), len(b)):
                raise ValueError(
                    f"tensordot: {axes} axes cannot be contracted for the shapes {a} and {b}."
                )
            first, second = list(range(len(a) - axes, len(a))), list(range(axes))
        else:
            first, second = (
                [one_axis("tensordot", i, len(s), s) for i in ([ax] if isinstance(ax, int) else ax)]
                for ax, s in zip(axes, (a, b), strict=True)
            )
        if len(first) != len(second) or not all(
            agree(a[i], b[j]) for i, j in zip(first, second, strict=True)
        ):
            raise ValueError(
                f"tensordot: axes {first} of the shape {a} do not fit axes {second} of {b}; "
                "contracted axes must have equal sizes."
            )
        left = tuple(s for i, s in enumerate(a) if i not in first)
        right = tuple(s for i, s in enumerate(b) if i not in second)
        return KerasTensor(left + right, dtype)

    def logical_not(self, x):
        check_bool("logical_not", x)
        return KerasTensor(x.shape, "bool")

    def left_shift(self, x, bits):
        return KerasTensor(x.shape, x.dtype)

    right_shift = left_shift


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
            raise TypeError(f"{name}: integer tensors are required, got {result.dtype}.")
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
                f"{name}: axis {empty[0]} of the shape {x.shape} is empty, so there is no "
                f"{name[-3:]}imum."
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
    (names.UNARY + SAME, same_shape),
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
        setattr(Math, _name, _rule(_name))

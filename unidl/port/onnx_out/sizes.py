"""Sizes of open axes as tensors: what is a number while a model is traced is computed from the
shapes of tensors when the file runs."""

from __future__ import annotations

import operator
from typing import Any

from unidl.port.errors import Refused
from unidl.port.exports.axes import Axis
from unidl.port.onnx_out.value import Value
from unidl.tracing.sizes import OpenSize


def is_written(graph: Any, size: Any) -> bool:
    """Whether `size` can be computed in `graph`."""
    if type(size) is not OpenSize:
        return True
    made = size.made
    if isinstance(made, Axis):
        return graph.sees(made.value.graph)
    return (
        made is not None and made[0] in _OPERATIONS and all(is_written(graph, s) for s in made[1])
    )


def with_axes(value: Value) -> None:
    """Give each open size of `value` that nothing else computes the axis itself as its origin."""
    value.shape = tuple(
        size
        if is_written(value.graph, size)
        else OpenSize(int(size), size.other, Axis(value, axis))
        for axis, size in enumerate(value.shape)
    )


def sizes_tensor(to: Any, sizes: Any) -> str:
    """An int64 tensor (n,) of n sizes."""
    pieces: list[Any] = []
    for size in sizes:
        if type(size) is OpenSize:
            pieces.append(size_tensor(to, size))
        elif pieces and isinstance(pieces[-1], list):
            pieces[-1].append(int(size))
        else:
            pieces.append([int(size)])
    names = [to.ints(p) if isinstance(p, list) else p for p in pieces]
    if not names:
        return to.ints([])
    return names[0] if len(names) == 1 else to.node("Concat", *names, axis=0)


def size_tensor(to: Any, size: Any) -> str:
    """An int64 tensor (1,)."""
    if type(size) is not OpenSize:
        return to.ints([size])
    made = size.made
    if made is None or not is_written(to.graph, size):
        raise Refused(
            "it computes with the size of an open axis in a way that cannot be written. Give the "
            "axis a size in Input(shape=...), or in input_signature"
        )
    if isinstance(made, Axis):
        name, axis = to.any_order(made.value)
        axis = axis.index(made.axis)
        return to.node("Shape", name, start=axis, end=axis + 1)
    function, sizes = made
    return _OPERATIONS[function](to, *(size_tensor(to, s) for s in sizes))


def _floor_divide(to: Any, a: str, b: str) -> str:
    """Div rounds towards zero."""
    return to.node("Div", to.node("Sub", a, to.node("Mod", a, b)), b)


_OPERATIONS: dict[Any, Any] = {
    operator.add: lambda to, a, b: to.node("Add", a, b),
    operator.sub: lambda to, a, b: to.node("Sub", a, b),
    operator.mul: lambda to, a, b: to.node("Mul", a, b),
    operator.floordiv: _floor_divide,
    operator.mod: lambda to, a, b: to.node("Mod", a, b),
    operator.neg: lambda to, a: to.node("Neg", a),
}

"""Writers: sums and the like, along axes."""

from __future__ import annotations

from typing import Any

from unidl.port.onnx_out.elementwise import cast_to
from unidl.port.onnx_out.layouts import moved, without
from unidl.port.onnx_out.table import Laid, writes


def _axes(x: Any, axis: Any) -> list[int]:
    rank = len(x.shape)
    if axis is None:
        return list(range(rank))
    return [a % rank for a in (axis if isinstance(axis, tuple | list) else (axis,))]


def reduced(to: Any, operator: str, x: Any, axis: Any, keepdims: bool) -> Any:
    """A Reduce operator, in the order of axes that there is."""
    gone = _axes(x, axis)
    if not gone:
        return x
    name, axes = to.any_order(x)
    places = to.ints(sorted(moved(axes, gone)))
    made = to.node(operator, name, places, keepdims=int(keepdims))
    return Laid(made, axes if keepdims else without(axes, gone))


for _name, _operator in {
    "max": "ReduceMax",
    "mean": "ReduceMean",
    "min": "ReduceMin",
    "prod": "ReduceProd",
    "sum": "ReduceSum",
}.items():

    def _reduction(
        to: Any,
        spec: Any,
        x: Any,
        axis: Any = None,
        keepdims: bool = False,
        operator: str = _operator,
    ) -> Any:
        return reduced(to, operator, x, axis, keepdims)

    writes(_name)(_reduction)


@writes("any")
def any_(to: Any, spec: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return to.greater(to.sum(to.cast(x, "int32"), axis, keepdims), 0)


@writes("all")
def all_(to: Any, spec: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return to.equal(to.sum(to.cast(to.logical_not(x), "int32"), axis, keepdims), 0)


for _name, _operator in {"argmax": "ArgMax", "argmin": "ArgMin"}.items():

    def _extreme(
        to: Any,
        spec: Any,
        x: Any,
        axis: Any = None,
        keepdims: bool = False,
        operator: str = _operator,
    ) -> Any:
        if axis is None:
            found = to.node(operator, to.reshape(x, (-1,)), axis=0, keepdims=0)
            return to.reshape(
                to.value(type(spec)((), "int32"), cast_to(to, found, "int32")), spec.shape
            )
        found = to.node(operator, x, axis=axis, keepdims=int(keepdims))
        return cast_to(to, found, "int32")

    writes(_name)(_extreme)


@writes("cumsum")
def cumsum(to: Any, spec: Any, x: Any, axis: int) -> str:
    return to.node("CumSum", x, to.number(axis, "int64"))


@writes("cumprod")
def cumprod(to: Any, spec: Any, x: Any, axis: int) -> Any:
    """A loop, since ONNX has only sums."""
    rank = len(x.shape)
    axis = axis % rank
    front = (axis, *(a for a in range(rank) if a != axis))
    rows = to.transpose(x, front)
    start = to.full_like(to.getitem(rows, (0,)), 1)

    def step(state: Any, moment: Any) -> Any:
        product = to.multiply(state[0], moment[0])
        return (product,), product

    _, products = to.scan(step, (start,), (rows,))
    return to.transpose(products, tuple(front.index(a) for a in range(rank)))

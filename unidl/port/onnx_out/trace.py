"""One call of a model, written down; and the second one that shows what came from its sizes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from unidl import tree
from unidl.port.errors import PortError
from unidl.port.exports.called import called, output_names
from unidl.port.exports.names import Names
from unidl.port.exports.signature import FROM_SIZES, Signature, numbers_for
from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx_out.graph import info, used_by, without_copies
from unidl.port.onnx_out.recorder import Recorder
from unidl.port.onnx_out.value import Value
from unidl.tracing import KerasTensor
from unidl.tracing.pure import Pure, tracing_lock
from unidl.tracing.sizes import OpenSize


@dataclass
class Trace:
    """
    Attributes:
        graph: a GraphProto without initializers.
        arrays: {name: Value} of the initializers it uses.
        weights: {path of a Variable: name of its initializer}.
        outputs: names.
    """

    graph: Any
    arrays: dict[str, Value]
    weights: dict[str, str]
    outputs: list[str]


def traced(model: Any, signature: Signature, opset: int) -> Trace:
    """The model's graph in inference.

    Raises:
        PortError: with all that cannot be written.
    """
    first = _run(model, signature, opset, 0)
    if signature.axes:
        second = _run(model, signature, opset, 1)
        place = _difference(first, second)
        if place is not None:
            raise PortError(model.name, [(place, FROM_SIZES)])
    return first


def _run(model: Any, signature: Signature, opset: int, run: int) -> Trace:
    taken = {s for v in model._device_variables for s in v.shape}
    numbers = numbers_for(signature, taken, run, "to_onnx")
    pure = Pure(
        lambda *x: model(*signature.arguments(list(x)), training=False), model._device_variables
    )
    with tracing_lock:
        return pure.complete(lambda: _trace(model, pure, signature, opset, numbers))


def _trace(model: Any, pure: Pure, signature: Signature, opset: int, numbers: Any) -> Trace:
    to = Recorder(model.backend, opset)  # type: ignore[abstract]
    inputs = _inputs(to, signature, numbers)
    weights = [_weight(to, v) for v in pure.variables]
    outputs = called(to, model.name, pure, weights, inputs)
    if pure.met:
        return None  # type: ignore[return-value]  # to be made again with these Variables
    values = [to.asarray(y) for y in tree.flatten(outputs)]
    names = Names()
    wanted = [names.new(name) for name in output_names(model, outputs)]
    return finished(to, model.name, signature, inputs, dict(zip(wanted, values, strict=True)))


def _inputs(to: Recorder, signature: Signature, numbers: Any) -> list[Value]:
    found = []
    axes = dict(numbers)
    for each in signature.inputs:
        shape = tuple(axes[s] if isinstance(s, str) else s for s in each.shape)
        value = to.value(KerasTensor(shape, each.dtype), to.graph.input(each.name))
        for size, name in zip(value.shape, each.shape, strict=True):
            if isinstance(name, str):
                axes[name] = size  # of two inputs with one axis, the first tells its size
        found.append(value)
    return found


def _weight(to: Recorder, variable: Any) -> Value:
    return to.held(variable.path, variable.shape, variable.dtype, variable.own_numpy, False)


def finished(
    to: Recorder, name: str, signature: Signature, inputs: Any, outputs: dict[str, Value]
) -> Trace:
    """The graph `name` of what `to` has recorded, from `inputs` to `outputs`, by their names."""
    to.place = ""
    values = list(outputs.values())
    names = [to.graph.renamed("", to(y), wanted) for wanted, y in outputs.items()]
    known: dict[int, Any] = {}
    for value, each in zip(inputs, signature.inputs, strict=True):
        known.update(zip(map(id, value.shape), each.shape, strict=True))
    graph = to.graph.proto(
        name,
        [info(to(v), i.dtype, i.shape) for v, i in zip(inputs, signature.inputs, strict=True)],
        [
            info(n, y.dtype, [known.get(id(s)) if type(s) is OpenSize else s for s in y.shape])
            for n, y in zip(names, values, strict=True)
        ],
    )
    without_copies(graph)
    used = set().union(*map(used_by, graph.node)) if graph.node else set()
    arrays = {n: v for n, v in to.graph.initializers.items() if n in used}
    _share(graph, arrays)
    weights: dict[str, str] = {}
    for found, value in arrays.items():
        if not value.is_constant:
            weights.setdefault(value.label, found)
    return Trace(graph, arrays, weights, names)


def _share(graph: Any, arrays: dict[str, Value]) -> None:
    """Where a weight is needed as it is and transposed (an embedding that is also the last layer),
    store it once."""
    nodes = []
    for name, value in list(arrays.items()):
        if value.held is None or value.held.transposed is None:
            continue
        weight, axes = value.held.transposed
        stored = weight.names.get(tuple(range(len(weight.shape))))
        if stored in arrays:
            label = f"{name}/Transpose"
            make = onnx_package().helper.make_node
            nodes.append(make("Transpose", [stored], [name], name=label, perm=axes))
            del arrays[name]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def _difference(first: Trace, second: Trace) -> str | None:
    """The layer where the two runs part, None if they are one graph."""
    for one, other in zip_longest(first.graph.node, second.graph.node):
        if one != other:
            return next((found for n in (one, other) if n is not None and (found := _place(n))), "")
    for name, value in first.arrays.items():
        other = second.arrays.get(name)
        if other is None or not _equal(value, other):
            return next((_place(n) for n in first.graph.node if name in used_by(n)), "")
    return None if first.graph == second.graph else ""


def _equal(one: Value, other: Value) -> bool:
    if one.shape != other.shape or one.is_constant != other.is_constant:
        return False
    if not one.is_constant:
        return True
    return np.array_equal(one.load(), other.load())


def _place(node: Any) -> str:
    return node.name.rpartition("/")[0]

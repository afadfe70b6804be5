"""From a graph to a functional model: node after node, on symbolic tensors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from unidl import Input, Model
from unidl.backend.dtypes import is_float
from unidl.layers.base.undrawn import undrawn
from unidl.port.errors import PortError, Refused
from unidl.port.laid import Laid
from unidl.port.layers import Constant
from unidl.port.onnx.errors import OnnxError
from unidl.port.onnx.graph import Graph, Node, results_of
from unidl.port.onnx_model.call import AsItIsRun, Call, Parameter, makers
from unidl.port.onnx_model.open_sizes import filled, of_open_sizes
from unidl.port.onnx_model.sizes import Sizes
from unidl.port.weight_rules import Rule, Weight, same

_STATISTICS = {"BatchNormalization": (3, 4)}
_OPEN = "Its sizes depend on an axis that is open: give all sizes with input_shapes="


class Build:
    """
    Args:
        graph: of a file. sizes: of its values. name: of the model.
        keeps_arrays: whether the graph's arrays are used once more.

    Attributes:
        uses: how often a node takes each value. users: {value: the nodes that do}.
        model: the result. weights: where its numbers come from.
        halved: names of arrays with two biases for each gate, which become their sum.
        normalizing: outputs of batch normalizations that became layers.
        loose: names of weights that belong to no layer.
        merged: {output: input} of nodes which are a part of the layer before.
    """

    def __init__(
        self, graph: Graph, sizes: Sizes, dtypes: dict[str, str], name: str, keeps_arrays: bool
    ) -> None:
        self.graph, self.sizes, self.keeps_arrays = graph, sizes, keeps_arrays
        self.uses = Counter(name for node in _all_nodes(graph) for name in node.inputs)
        self.uses.update(graph.outputs)
        self.users: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for value in node.inputs:
                self.users.setdefault(value, []).append(node)
        self.values: dict[str, Any] = {}
        self.weights: list[Weight] = []
        self.halved: set[str] = set()
        self.normalizing: set[str] = set()
        self.loose: list[str] = []
        self.merged: dict[str, str] = {}
        self._statistics = {
            node.inputs[i]
            for node in graph.nodes
            for i in _STATISTICS.get(node.operator, ())
            if i < len(node.inputs)
        }
        self._goals: list[tuple[str, Callable[[], Any], Rule, tuple[int, int]]] = []
        self._names: Counter[str] = Counter()
        self._constants: dict[str, Laid] = {}
        self._inputs = {n: self._input(n, dtypes[n]) for n in sizes.of_inputs}
        self._fill()
        with undrawn():
            self.model = self._walk(name)

    def bind(
        self, name: str, variable: Callable[[], Any], rule: Rule = same, block: tuple = (0, 1)
    ) -> None:
        """The array `name` belongs to the Variable that `variable` gives when all is made."""
        self._goals.append((name, variable, rule, block))

    def array(self, value: Any) -> Any:
        """The numbers of a weight; other values as they are."""
        return self.graph.initializers[value.name] if isinstance(value, Parameter) else value

    def tensor(self, value: Any) -> Laid:
        """A value as a tensor: a weight by itself becomes a layer."""
        if isinstance(value, Laid):
            return value
        if isinstance(value, Parameter):
            if value.name not in self._constants:
                self._constants[value.name] = self.loose_weight(value, value.shape)
            return self._constants[value.name]
        raise Refused("it takes nothing that comes in")

    def input_tensor(self, name: str) -> Any:
        return self._inputs[name]

    def called(self, node: Node) -> str:
        """A name for the layer of a node: what its weights have in common, or the node's."""
        own = [n for n in node.inputs if isinstance(self.values.get(n), Parameter)]
        stem = re.match(r"(.+)[/.][^/.]+$", own[0]) if own else None
        return self.unique(stem.group(1) if stem else node.name or node.outputs[0])

    def _input(self, name: str, dtype: str) -> Any:
        batch, *rest = (n if isinstance(n, int) else None for n in self.sizes.of_inputs[name])
        return Input(batch_shape=(batch, *rest), dtype=dtype, name=self.unique(name))

    def unique(self, name: str) -> str:
        """A name for a layer that no other has."""
        cleaned = re.sub(r"[^\w.\-]+", "_", name.replace("/", ".")).strip("._") or "node"
        self._names[cleaned] += 1
        count = self._names[cleaned]
        return cleaned if count == 1 else self.unique(f"{cleaned}_{count - 1}")

    def _fill(self) -> None:
        for name, array in self.graph.initializers.items():
            is_trained = is_weight(array)
            self.values[name] = (
                Parameter(name, array.shape, array.dtype.name) if is_trained else array
            )
        for name, array in self.sizes.constants.items():
            if name not in self.values:
                self.values[name] = np.asarray(array)
        for name, symbol in self._inputs.items():
            self.values[name] = Laid(symbol)

    def loose_weight(self, parameter: Parameter, shape: tuple, rule: Rule = same) -> Laid:
        """A weight that belongs to no layer, as a tensor of this shape."""
        name = parameter.name
        layer = Constant(
            shape, parameter.dtype, name=self.unique(name),
            trainable=name not in self._statistics,
        )  # fmt: skip
        self.bind(name, lambda: layer.value, rule)
        if name not in self._statistics:
            self.loose.append(name)
        return Laid(layer(next(iter(self._inputs.values()))))

    def _walk(self, name: str) -> Any:
        refused: list[tuple[str, str]] = []
        for node in self.graph.nodes:
            if node.outputs[0] in self.sizes.failed:
                refused.append((node.label, _reason(self.sizes.failed[node.outputs[0]])))
                continue
            if all(o in self.values or o in self.sizes.varying for o in filter(None, node.outputs)):
                continue  # known already, or asked of `sizes` where it is needed
            if node.outputs[0] in self.merged:
                self.values[node.outputs[0]] = self.values[self.merged[node.outputs[0]]]
                continue
            if any(i not in self.values and i not in self.sizes.varying for i in node.inputs if i):
                continue  # what follows a refused one is not looked at
            try:
                results = self._result(node)
            except (Refused, OnnxError, ValueError, TypeError, NotImplementedError) as error:
                refused.append((f"{node.label}, {node.outputs[0]}", _reason(error)))
                continue
            self.values.update(zip(node.outputs, results, strict=False))
        missing = [o for o in self.graph.outputs if o not in self.values]
        if not refused and missing:
            refused = [(o, "it depends on sizes only") for o in missing]
        if refused:
            raise PortError(name, refused)
        outputs = [self.tensor(self._tensored(o)).first() for o in self.graph.outputs]
        inputs = list(self._inputs.values())
        model = Model(
            inputs if len(inputs) > 1 else inputs[0],
            outputs if len(outputs) > 1 else outputs[0],
            name=name,
        )
        self.values.clear()
        arrays = self.graph.initializers
        left = Counter(key for key, *_ in self._goals)
        for key, variable, rule, block in self._goals:
            self.weights.append(Weight((key,), variable(), rule, block))
            self.weights[-1].bring_in(arrays)
            left[key] -= 1
            if not left[key] and not self.keeps_arrays:
                del arrays[key]  # so that the numbers are not in memory twice
        return model

    def _tensored(self, name: str) -> Any:
        value = self.values[name]
        if isinstance(value, np.ndarray):
            raise PortError(name, [(name, "this output is a constant")])
        return value

    def _result(self, node: Node) -> tuple:
        if any(i in self.sizes.varying for i in node.inputs):
            found = of_open_sizes(self, node)
            if found is not None:
                return (found,)
        inputs = [self._value(i) if i else None for i in node.inputs]
        if node.operator in makers() and node.domain in ("", "ai.onnx"):
            try:
                return self._checked(node, makers()[node.operator](Call(node, inputs, self)))
            except AsItIsRun:
                pass
        return self._run(node, inputs)

    def _value(self, name: str) -> Any:
        if name not in self.values and name in self.sizes.varying:
            self.values[name] = filled(self, name)
        return self.values[name]

    def _checked(self, node: Node, found: Any) -> tuple:
        results = found if isinstance(found, tuple) else (found,)
        for name in node.outputs[len(results) :]:
            if self.uses[name]:
                raise Refused(f"its output {name!r} is used, which no layer has")
        return results

    def _run(self, node: Node, inputs: list[Any]) -> tuple:
        given = [self._as_run(x) for x in inputs]
        return tuple(Laid(y) for y in results_of(node, given, self._around(node)))

    def _as_run(self, value: Any) -> Any:
        return self.tensor(value).first() if isinstance(value, Laid | Parameter) else value

    def _around(self, node: Node) -> dict[str, Any]:
        """The values that subgraphs of a node take from outside."""
        found = {}
        for graph in _subgraphs(node):
            own = [name for name, array in graph.initializers.items() if is_weight(array)]
            if own:
                raise Refused(f"a weight inside of a subgraph: {own[0]!r}")
            for inner in graph.nodes:
                for name in inner.inputs:
                    if name in self.values or name in self.sizes.varying:
                        found[name] = self._as_run(self._value(name))
        return found


def is_weight(array: np.ndarray) -> bool:
    """Whether an array of a file is trained: one number alone is an option of a function."""
    return is_float(array.dtype.name) and array.size > 1


def _all_nodes(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        yield node
        for inner in _subgraphs(node):
            yield from _all_nodes(inner)


def _subgraphs(node: Node) -> Iterator[Graph]:
    """Those in the attributes of a node, and those inside of them."""
    for graph in node.attributes.values():
        if isinstance(graph, Graph):
            yield graph
            for inner in graph.nodes:
                yield from _subgraphs(inner)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "None" in text or "NoneType" in text:
        return f"{_OPEN}. ({text})"
    return text

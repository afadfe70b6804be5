"""The graph under construction: nodes with names, what they share, subgraphs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from unidl.port.exports.names import Names
from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx_out.dtypes import number_of
from unidl.port.onnx_out.value import Held, Value


class Graph:
    """A graph, or the body of a loop or branch, which sees all that is in the graphs `around` it.

    Attributes:
        nodes: NodeProtos in order.
        initializers: {name: the Value that it holds}; those of bodies are in the outermost graph.
        types: {name of a result: (dtype, shape)}, of those that are a Value's.
    """

    def __init__(self, around: Graph | None = None) -> None:
        self.around = around
        self.nodes: list[Any] = []
        self._made: dict[Any, list[str]] = {}
        self._makers: dict[str, Any] = {}
        if around is None:
            self.values, self.labels = Names(), Names()
            self.initializers: dict[str, Value] = {}
            self._constants: dict[Any, str] = {}
        else:
            self.values, self.labels = around.values, around.labels
            self.initializers, self._constants = around.initializers, around._constants

    def sees(self, other: Graph | None) -> bool:
        """Whether what `other` computes can be used here."""
        return (
            other is None or other is self or (self.around is not None and self.around.sees(other))
        )

    def add(
        self, place: str, operator: str, inputs: Any, outputs: int = 1, **attributes: Any
    ) -> Any:
        """The name of a new node's result, or a list of `outputs` names; that of an equal node
        there is, if there is one."""
        key = None
        if not any(hasattr(a, "node") for a in attributes.values()):
            key = (operator, tuple(inputs), outputs, repr(sorted(attributes.items())))
            found = self._find(key)
            if found is not None:
                return found[0] if outputs == 1 else found
        label = self.labels.new(f"{place}/{operator}" if place else operator)
        names = [self.values.new(label if outputs == 1 else f"{label}:{i}") for i in range(outputs)]
        self.nodes.append(
            onnx_package().helper.make_node(operator, list(inputs), names, name=label, **attributes)
        )
        if outputs == 1:
            self._makers[names[0]] = self.nodes[-1]
        if key is not None:
            self._made[key] = names
        return names[0] if outputs == 1 else names

    def maker_of(self, name: str) -> Any:
        """The node of this graph that makes `name`, if it is the only result; else None."""
        return self._makers.get(name)

    def renamed(self, place: str, name: str, wanted: str) -> str:
        """The value `name` under a new name."""
        new = self.values.new(wanted)
        label = self.labels.new(f"{place}/Identity" if place else "Identity")
        self.nodes.append(onnx_package().helper.make_node("Identity", [name], [new], name=label))
        return new

    def _find(self, key: Any) -> list[str] | None:
        graph: Graph | None = self
        while graph is not None:
            if key in graph._made:
                return graph._made[key]
            graph = graph.around
        return None

    def constant(self, array: Any, dtype: str) -> str:
        """The name of a small array, of which there is one in the file."""
        array = np.asarray(array, "float32" if dtype == "bfloat16" else dtype)
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            value = Value(None, array.shape, dtype, None, Held("constant", lambda: array, True))
            self._constants[key] = self.hold(value)
        return self._constants[key]

    def hold(self, value: Value) -> str:
        """The name of a new initializer."""
        name = self.values.new(value.label)
        self.initializers[name] = value
        return name

    def input(self, wanted: str) -> str:
        return self.values.new(wanted)

    def proto(self, name: str, inputs: list[Any], outputs: list[Any]) -> Any:
        """The GraphProto with the nodes that `outputs` need; no initializers."""
        needed, kept = {o.name for o in outputs}, []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(used_by(node))
        return onnx_package().helper.make_graph(kept[::-1], name, inputs, outputs)


def with_names(graph: Any, names: dict[str, str]) -> None:
    """Rename values of `graph`, in the bodies of its nodes too."""
    for node in graph.node:
        for side in (node.input, node.output):
            side[:] = [names.get(name, name) for name in side]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                with_names(attribute.g, names)


def without_copies(graph: Any) -> None:
    """Give the results that Identities make outputs of `graph` the outputs' names instead."""
    outputs, made = {o.name for o in graph.output}, set()
    names: dict[str, str] = {}
    for node in graph.node:
        is_copy = node.op_type == "Identity" and node.output[0] in outputs
        if is_copy and node.input[0] in made and node.input[0] not in names:
            names[node.input[0]] = node.output[0]
        made.update(node.output)
    kept = [n for n in graph.node if not n.input or names.get(n.input[0]) != n.output[0]]
    del graph.node[:]
    graph.node.extend(kept)
    with_names(graph, names)


def used_by(node: Any) -> set[str]:
    """Names that a node takes, by its subgraphs too."""
    found = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            found.update(o.name for o in attribute.g.output)
            found.update(itertools.chain.from_iterable(map(used_by, attribute.g.node)))
    return found


def info(name: str, dtype: str, shape: Any) -> Any:
    """A ValueInfoProto; sizes are ints, names or None."""
    return onnx_package().helper.make_tensor_value_info(name, number_of(dtype), shape)

"""A file of ONNX as the proof asks it: run by `port.onnx`, whose operators are compared with the
cases of the package onnx."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

import unidl
from unidl import ops
from unidl.backend.dtypes import is_float
from unidl.port.onnx.graph import Graph
from unidl.port.proof import BUDGET, on_the_reference
from unidl.port.weight_rules import Weight


class OnnxOriginal:
    """
    Args:
        graph: in float64. weights: those of the model that was made of it.
        normalizing: outputs of the batch normalizations that use the batch's moments in training.
        halved: names of arrays with two biases for each gate, of which only the first is moved.
    """

    def __init__(
        self, graph: Graph, weights: list[Weight], normalizing: set[str], halved: set[str]
    ) -> None:
        self.budget, self._halved = BUDGET, halved
        self.left_out = ["moving statistics, which the file does not move"] if normalizing else []
        self._graphs = {False: graph, True: _in_training(graph, normalizing)}
        self._inputs = [name for name in graph.inputs if name not in graph.initializers]
        trained = {n: w.variable.trainable for w in weights for n in w.names}
        with on_the_reference():
            self._weights = {
                n: unidl.Variable(graph.initializers[n], trainable=on) for n, on in trained.items()
            }
        self._trained = [n for n, on in trained.items() if on]

    def outputs(self, inputs: list[np.ndarray], training: bool) -> list[np.ndarray]:
        return [ops.convert_to_numpy(y) for y in self._run(inputs, training)]

    def gradients(
        self, inputs: list[np.ndarray], directions: list[np.ndarray]
    ) -> tuple[dict[str, np.ndarray], list[np.ndarray | None]]:
        fed = [unidl.Variable(x) if is_float(str(x.dtype)) else x for x in inputs]
        floats = [x for x in fed if isinstance(x, unidl.Variable)]

        def total() -> Any:
            outputs = self._run([getattr(x, "value", x) for x in fed], True)
            return sum(ops.sum(y * d) for y, d in zip(outputs, directions, strict=True))

        asked = [*(self._weights[n] for n in self._trained), *floats]
        if not asked:
            return {}, [None] * len(inputs)
        _, found = unidl.value_and_grad(total, asked)
        arrays = [ops.convert_to_numpy(g) for g in found]
        of_inputs = iter(arrays[len(self._trained) :])
        gradients = dict(zip(self._trained, arrays, strict=False))
        for name in self._halved & set(gradients):
            gradients[name] = gradients[name].copy()
            gradients[name][:, gradients[name].shape[1] // 2 :] = 0
        return gradients, [next(of_inputs) if isinstance(x, unidl.Variable) else None for x in fed]

    def descend(self, gradients: dict[str, np.ndarray], rate: float) -> None:
        for name, gradient in gradients.items():
            variable = self._weights[name]
            variable.assign(variable.numpy() - rate * gradient)

    def state(self) -> dict[str, np.ndarray]:
        return {name: self._weights[name].numpy() for name in self._trained}

    def _run(self, inputs, training):
        graph = self._graphs[training]
        feeds = dict(zip(self._inputs, map(ops.convert_to_tensor, inputs), strict=True))
        return graph.run({**{n: v.value for n, v in self._weights.items()}, **feeds})


def _in_training(graph: Graph, normalizing: set[str]) -> Graph:
    found = copy.copy(graph)
    found.nodes = []
    for node in graph.nodes:
        if node.outputs[0] in normalizing:
            node = copy.copy(node)
            node.attributes = {**node.attributes, "training_mode": 1}
            node.outputs = node.outputs[:1]
        found.nodes.append(node)
    return found

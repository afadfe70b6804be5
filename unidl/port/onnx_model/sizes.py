"""Which sizes in a graph depend on the open axes of its inputs: seen by running it several times.

Exporters compute shapes by nodes. Those nodes are not converted: the graph is run on the default
backend for some sizes of each open axis, and a size that changes is an open one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from unidl.backend import registry, use_backend
from unidl.port.onnx.graph import Graph, run_node

# Operators whose result depends on the sizes of what they take, not on its numbers.
_OF_SIZES = {"Shape", "Size"}
_BASE, _OTHERS = 2, (3, 5)


class Sizes:
    """
    Args:
        graph: the graph. shapes: {input: shape, with a name in each open axis}.
        draw: (name, shape) -> numbers for an input.
        trained: initializers whose numbers change.

    Attributes:
        constants: {name: array} of what depends neither on numbers that come in nor on sizes.
        varying: names of what depends on sizes only, and changes.
        failed: {output: why} of nodes that do not run.
    """

    def __init__(
        self, graph: Graph, shapes: dict[str, tuple], draw: Any, trained: Iterable[str]
    ) -> None:
        self._open = sorted({n for shape in shapes.values() for n in shape if isinstance(n, str)})
        self.of_inputs = shapes
        self.failed: dict[str, Exception] = {}
        moving = {*shapes, *trained}
        arrays = dict(graph.initializers)  # those beside the file are read once for all runs
        with use_backend(registry.DEFAULT):
            runs = [self._run(graph, arrays, draw, set(moving), s) for s in self._probes()]
        self._shapes = [found for found, _ in runs]
        hosts = [found for _, found in runs]
        self.constants = {
            name: array
            for name, array in hosts[0].items()
            if all(name in other and _equal(array, other[name]) for other in hosts[1:])
        }
        self.varying = set(hosts[0]) - set(self.constants)
        self._hosts = hosts

    def _probes(self) -> list[dict[str, int]]:
        base = dict.fromkeys(self._open, _BASE)
        return [base, *({**base, name: n} for name in self._open for n in _OTHERS)]

    def _run(self, graph, arrays, draw, moving, sizes):
        """(the shape of every value, {name: array} of those that depend on no input's numbers)."""
        values: dict[str, Any] = dict(arrays)
        for name, shape in self.of_inputs.items():
            values[name] = draw(name, tuple(sizes.get(n, n) for n in shape))
        found = {name: np.shape(value) for name, value in values.items()}
        hosts = {}
        for node in graph.nodes:
            if any(name and name not in values for name in node.inputs):
                continue  # behind one that failed
            try:
                values.update(run_node(node, values))
            except Exception as error:  # noqa: BLE001 - whatever a file may make of an operator
                self.failed[node.outputs[0]] = error
                continue
            moves = node.operator not in _OF_SIZES and (
                node.handler.scoped or any(name in moving for name in node.inputs)
            )
            for name in filter(None, node.outputs):
                found[name] = None if isinstance(values[name], list) else np.shape(values[name])
                if moves:
                    moving.add(name)
                else:
                    hosts[name] = values[name]
        return found, hosts

    def shape(self, name: str) -> tuple | None:
        """That of a value, None where a size is open; None for a sequence."""
        shapes = [found[name] for found in self._shapes]
        if None in shapes:
            return None
        return tuple(n[0] if len(set(n)) == 1 else None for n in zip(*shapes, strict=True))

    def number_in(self, name: str) -> Any:
        """The one number that all elements of a varying array are, None if there are several."""
        numbers = {x.item() for found in self._hosts for x in np.unique(found[name])}
        return np.asarray(self._hosts[0][name]).dtype.type(*numbers) if len(numbers) == 1 else None

    def axis_like(self, name: str, axis: int) -> tuple[str, int] | None:
        """(input, its axis) which has always the size that this axis of a value has."""
        wanted = [found[name][axis] for found in self._shapes]
        for given, shape in self.of_inputs.items():
            for place, n in enumerate(shape):
                if isinstance(n, str) and wanted == [f[given][place] for f in self._shapes]:
                    return given, place
        return None


def _equal(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and np.array_equal(one, other)

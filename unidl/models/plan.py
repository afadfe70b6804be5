"""The functional graph between given inputs and outputs, put into the order of its execution."""

from __future__ import annotations

from unidl.backend.symbolic import KerasTensor, graph
from unidl.layers.input_layer import InputLayer
from unidl.layers.layer import Layer


class Plan:
    """Nodes from `inputs` to `outputs`, sorted, with the layers they use.

    Args:
        inputs, outputs: KerasTensors in any nesting of lists, tuples and dicts.

    Attributes:
        nodes: in the order of execution, those of one depth in the order in which they were made.
        operations: their layers and functions, without duplicates, by depth from the inputs: Keras' order of layers.
    """

    def __init__(self, inputs, outputs, owner):
        self.inputs, self.outputs = inputs, outputs
        self.input_tensors = graph.flatten_tensors(inputs)
        self.output_tensors = graph.flatten_tensors(outputs)
        if not self.input_tensors or not self.output_tensors:
            raise ValueError(
                f"{owner}: inputs and outputs must be symbolic tensors. Start with x = unidl.Input(shape=(...)), "
                f"call layers on it, and give both ends: Model(inputs=x, outputs=y)."
            )
        self.nodes = self._sort(owner)
        self.operations = self._operations()

    def _sort(self, owner):
        """Depth-first from the outputs, then by depth (distance to the outputs), deepest first."""
        ends = {id(t) for t in self.input_tensors}
        finished, order, on_path = set(), [], set()

        def visit(tensor):
            if id(tensor) in ends:
                return
            if tensor.history is None or isinstance(tensor.history[0].operation, InputLayer):
                raise ValueError(
                    f"{owner}: the output depends on {tensor}, which is not among the inputs {[t.name for t in self.input_tensors]}. "
                    f"Add it to `inputs`, or make the output from those inputs alone."
                )
            node = tensor.history[0]
            if id(node) in finished:
                return
            if id(node) in on_path:
                raise ValueError(f"{owner}: the graph has a cycle through {node.operation.name!r}.")
            on_path.add(id(node))
            for source in node.inputs:
                visit(source)
            on_path.discard(id(node))
            finished.add(id(node))
            order.append(node)

        for tensor in self.output_tensors:
            visit(tensor)
        self._depths = self._measure(order, ends)
        place = {id(node): i for i, node in enumerate(order)}
        return sorted(order, key=lambda n: (-self._depths[id(n)], place[id(n)]))

    def _measure(self, order, ends):
        """Distance of each node to the outputs; a layer used several times is as deep as its deepest use."""
        depth_of_node = {id(node): 0 for node in order}
        depth_of_layer: dict[int, int] = {}
        self.input_depths = {key: 0 for key in ends}
        for node in reversed(order):
            depth = max(depth_of_node[id(node)], depth_of_layer.get(id(node.operation), 0))
            depth_of_node[id(node)] = depth_of_layer[id(node.operation)] = depth
            for tensor in node.inputs:
                if id(tensor) in ends:
                    self.input_depths[id(tensor)] = max(self.input_depths[id(tensor)], depth + 1)
                else:
                    source = id(tensor.history[0])
                    depth_of_node[source] = max(depth_of_node[source], depth + 1)
        return depth_of_node

    def _operations(self):
        found, entries = {}, []
        for tensor in self.input_tensors:
            if tensor.history is not None:
                entries.append((-self.input_depths[id(tensor)], tensor.history[0].operation))
        for node in self.nodes:
            entries.append((-self._depths[id(node)], node.operation))
        for _, operation in sorted(entries, key=lambda entry: entry[0]):
            found.setdefault(id(operation), operation)
        return list(found.values())

    @property
    def layers(self):
        return [op for op in self.operations if isinstance(op, Layer)]

    def run(self, values, training=None):
        """Execute on native tensors (or other KerasTensors) given in the structure of `inputs`."""
        memory = dict(zip((id(t) for t in self.input_tensors), values, strict=True))
        for node in self.nodes:
            args = [memory[id(a)] if type(a) is KerasTensor else graph.map_tensors(lambda t: memory[id(t)], a) for a in node.args]
            kwargs = graph.map_tensors(lambda t: memory[id(t)], node.kwargs) if node.kwargs else {}
            result = node.operation(*args, **kwargs)
            if len(node.outputs) == 1 and not isinstance(result, list | tuple | dict):
                memory[id(node.outputs[0])] = result
            else:
                memory.update(zip((id(t) for t in node.outputs), _flatten(result), strict=True))
        return graph.map_tensors(lambda t: memory[id(t)], self.outputs)


def _flatten(structure):
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in _flatten(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in _flatten(item)]
    return [structure]

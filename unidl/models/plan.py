"""The functional graph between given inputs and outputs, put into the order of its execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unidl.backend.dtypes import floatx, is_float, result_type
from unidl.layers.base.input_layer import InputLayer
from unidl.layers.base.layer import Layer
from unidl.layers.core.embedding import Embedding
from unidl.tracing import KerasTensor, graph
from unidl.typing import TensorLike
from unidl.utils.nesting import check_nesting


class Plan:
    """Nodes from `inputs` to `outputs`, sorted, with the layers they use.

    Args:
        inputs, outputs: KerasTensors in any nesting of lists, tuples and dicts. An input that came
            out of a layer is cut off from it: the model begins there, with an InputLayer of its
            own.

    Attributes:
        nodes: in the order of execution.
        operations: layers (the inputs' too) and functions, without duplicates, in Keras' order: by
            distance from the outputs, the farthest first, and at one distance in the order in which
            a walk back from the outputs meets them.
        float_dtype: of the inputs that are floats, the widest.
        nesting: 1, or more where models stand within the model.
        looked_up: (position of an input, Embedding that stands right behind it).
    """

    def __init__(self, inputs: Any, outputs: Any, owner: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.input_tensors = graph.flatten_tensors(inputs)
        self.output_tensors = graph.flatten_tensors(outputs)
        if not self.input_tensors or not self.output_tensors:
            raise ValueError(
                f"{owner}: inputs and outputs must be symbolic tensors, got {_kind(inputs)} and "
                f"{_kind(outputs)}. Start with x = unidl.Input(shape=(...)), call layers on it, "
                "and pass both ends: Model(inputs=x, outputs=y)."
            )
        self._entries = {t: _entry_node(t) for t in self.input_tensors}
        order, met = self._walk(owner)
        depth_of = self._measure(order)
        self.nodes = sorted((n for n in order if n.inputs), key=lambda n: -depth_of[id(n)])
        unused = [
            node.operation for node in self._entries.values() if id(node.operation) not in met
        ]
        self.nesting = 1 + max(
            (op._plan.nesting for op in met.values() if getattr(op, "_plan", None)), default=0
        )
        check_nesting(owner, self.nesting)
        self.operations = (
            sorted(met.values(), key=lambda operation: -depth_of[id(operation)]) + unused
        )
        self._refuse_equal_names(owner)
        place = {id(t): i for i, t in enumerate(self.input_tensors)}
        floats = [t.dtype for t in self.input_tensors if is_float(t.dtype)]
        self.float_dtype = result_type(*floats) if floats else floatx()
        lookups = [
            n for n in self.nodes if isinstance(n.operation, Embedding) and id(n.inputs[0]) in place
        ]
        self.looked_up = [(place[id(n.inputs[0])], n.operation) for n in lookups]

    def _refuse_equal_names(self, owner: Any) -> None:
        """Two layers of one name would be one in files and configs."""
        met: dict[str, Layer] = {}
        for layer in (each for each in self.operations if isinstance(each, Layer)):
            if met.setdefault(layer.name, layer) is not layer:
                raise ValueError(
                    f"{owner}: two layers are named {layer.name!r}. Give one of them another name: "
                    f"{type(layer).__name__}(..., name='other')."
                )

    def origin(self, tensor: Any) -> Any:
        """(node, index among its outputs) that `tensor` comes from, within this model."""
        node = self._entries.get(tensor)
        return tensor.history if node is None else (node, 0)

    def is_optional(self, tensor: Any) -> bool:
        """Whether None may be given for this input."""
        return self._entries[tensor].operation.optional

    def _walk(self, owner: Any) -> Any:
        """(nodes, sources first; {id: operation} as a walk back from the outputs meets them).

        The path is a list, not Python's stack, which ends at a thousand layers.
        """
        order: list[Any] = []
        met: dict[int, Any] = {}
        finished: set[int] = set()
        on_path: set[int] = set()
        path: list[Any] = []  # (node, its sources that are still to be visited)

        def enter(tensor: TensorLike) -> None:
            if tensor not in self._entries and (
                tensor.history is None or isinstance(tensor.history[0].operation, InputLayer)
            ):
                raise ValueError(
                    f"{owner}: the output depends on {tensor}, which is not among the inputs "
                    f"{[t.name for t in self.input_tensors]}. Add it to `inputs`, or compute the "
                    "output from those inputs only."
                )
            node, _ = self.origin(tensor)
            if id(node) in finished:
                return
            if id(node) in on_path:
                raise ValueError(f"{owner}: the graph has a cycle through {node.operation.name!r}.")
            met.setdefault(id(node.operation), node.operation)
            on_path.add(id(node))
            path.append((node, iter(node.inputs)))

        for output in self.output_tensors:
            enter(output)
            while path:
                node, sources = path[-1]
                for source in sources:
                    enter(source)
                    if path[-1][0] is not node:
                        break
                else:
                    path.pop()
                    on_path.discard(id(node))
                    finished.add(id(node))
                    order.append(node)
        return order, met

    def _measure(self, order: Any) -> Any:
        """{id of a node or operation: distance to the outputs}; a layer used several times is as
        far as its farthest use."""
        depth_of = {id(node): 0 for node in order}
        for node in reversed(order):
            depth = max(depth_of[id(node)], depth_of.get(id(node.operation), 0))
            depth_of[id(node)] = depth_of[id(node.operation)] = depth
            for tensor in node.inputs:
                source = id(self.origin(tensor)[0])
                depth_of[source] = max(depth_of[source], depth + 1)
        return depth_of

    @property
    def layers(self) -> list[Layer]:
        return [op for op in self.operations if isinstance(op, Layer)]

    def run(self, values: Any, instead: Callable[[Any], Any] = lambda operation: operation) -> Any:
        """Execute on native tensors (or other KerasTensors) given in the order of `input_tensors`.

        `instead(operation)` is called in place of each operation.
        """
        memory = dict(zip((id(t) for t in self.input_tensors), values, strict=True))

        def recall(tensor: TensorLike) -> Any:
            return memory[id(tensor)]

        for node in self.nodes:
            args = [
                memory[id(a)] if type(a) is KerasTensor else graph.map_tensors(recall, a)
                for a in node.args
            ]
            kwargs = graph.map_tensors(recall, node.kwargs) if node.kwargs else {}
            result = instead(node.operation)(*args, **kwargs)
            if len(node.outputs) == 1 and not isinstance(result, list | tuple | dict):
                memory[id(node.outputs[0])] = result
            else:
                memory.update(zip((id(t) for t in node.outputs), _flatten(result), strict=True))
        return graph.map_tensors(recall, self.outputs)


def _entry_node(tensor: TensorLike) -> Any:
    if tensor.history is not None and isinstance(tensor.history[0].operation, InputLayer):
        return tensor.history[0]
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)._inbound[0]


def _flatten(structure: Any) -> Any:
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in _flatten(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in _flatten(item)]
    return [structure]


def _kind(ends: Any) -> str:
    """Inputs or outputs as they were given, in short."""
    shape = getattr(ends, "shape", None)
    what = f"{type(ends).__name__} of shape {tuple(shape)}" if shape is not None else repr(ends)
    return what if len(what) <= 80 else f"{what[:77]}..."

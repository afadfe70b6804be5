"""What a drawing of a model shows: boxes, groups of boxes, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from unidl.layers.base.input_layer import InputLayer
from unidl.layers.base.layer import Layer
from unidl.tracing import graph


@dataclass(frozen=True)
class Shown:
    """What is told of a layer, by the arguments of `plot_model`."""

    shapes: bool = False
    dtype: bool = False
    names: bool = True
    activations: bool = False
    trainable: bool = False


@dataclass(eq=False)
class Box:
    """A layer, or a function of the graph.

    Attributes:
        title, kind: name and class; the title is "" where names are not shown.
        rows: what else is told, in lines.
        family: what the colour goes by: "input", "function", "own" or the room of the layer.
    """

    title: str
    kind: str
    rows: list[str]
    family: str

    @property
    def heading(self) -> str:
        if self.family == "function":  # whose name says what it is
            return self.title or self.kind
        return f"{self.title} ({self.kind})" if self.title else self.kind


@dataclass(frozen=True)
class End:
    """Where an edge begins or ends: a box, or the input or output number `port` of a group."""

    part: Any
    port: int = 0

    def box(self, leaving: bool) -> Box:
        """The box where it really begins (`leaving`) or ends, inside of all groups."""
        if isinstance(self.part, Group):
            ends = self.part.exits if leaving else self.part.entries
            return ends[min(self.port, len(ends) - 1)].box(leaving)
        found: Box = self.part
        return found


@dataclass(eq=False)
class Group:
    """A model with its parts.

    Attributes:
        edges: (End, End), each pair once.
        entries, exits: where its inputs go in and its outputs come from.
    """

    title: str
    parts: list[Box | Group] = field(default_factory=list)
    edges: list[tuple[End, End]] = field(default_factory=list)
    entries: list[End] = field(default_factory=list)
    exits: list[End] = field(default_factory=list)

    def boxes(self) -> list[Box]:
        """All boxes, those of inner groups too."""
        return [
            box
            for part in self.parts
            for box in (part.boxes() if isinstance(part, Group) else [part])
        ]

    def box_edges(self) -> list[tuple[Box, Box]]:
        """All edges from box to box, those of inner groups too."""
        inner = [e for part in self.parts if isinstance(part, Group) for e in part.box_edges()]
        own = [(start.box(True), end.box(False)) for start, end in self.edges]
        return list(dict.fromkeys(inner + own))


@dataclass(eq=False)
class Branch:
    """A layer and its sublayers: what is known of a model whose `call` is Python."""

    box: Box
    below: list[Branch] = field(default_factory=list)

    def walk(self, depth: int = 0) -> list[tuple[int, Branch]]:
        """(depth, branch) of this one and all below, in the order of reading."""
        return [(depth, self)] + [pair for each in self.below for pair in each.walk(depth + 1)]


def diagram_of(model: Any, shown: Shown, expand_nested: bool) -> Group | Branch:
    """The graph of a functional model or a Sequential, the tree of any other layer."""
    if _has_graph(model):
        return _group(model, shown, expand_nested)
    return _branch(model, shown, expand_nested, top=True)


def _has_graph(layer: Any) -> bool:
    return getattr(layer, "_plan", None) is not None


def _group(model: Any, shown: Shown, expand_nested: bool) -> Group:
    plan, row = model._plan, hasattr(model, "_stack")
    group = Group(model.name)
    # A Sequential's input is not shown, as in `summary`: its first layer is where it begins.
    operations = [op for op in plan.operations if not (row and isinstance(op, InputLayer))]
    calls: dict[int, list[Any]] = {}
    for node in plan.nodes:
        calls.setdefault(id(node.operation), []).append(node)
    part_of: dict[int, Box | Group] = {}
    for operation in operations:
        part_of[id(operation)] = (
            _group(operation, shown, expand_nested)
            if expand_nested and _has_graph(operation)
            else _box(operation, shown, calls.get(id(operation), ()))
        )
    group.parts = list(part_of.values())

    def end(operation: Any, port: int) -> End:
        part = part_of[id(operation)]
        return End(part, port if isinstance(part, Group) else 0)

    edges = []
    for node in plan.nodes:
        for position, tensor in enumerate(node.inputs):
            source, index = plan.origin(tensor)
            if id(source.operation) in part_of:
                edges.append(
                    (end(source.operation, index), end(node.operation, _port(node, position)))
                )
    group.edges = list(dict.fromkeys(edges))
    for port, tensor in enumerate(plan.input_tensors):
        operation = plan.origin(tensor)[0].operation
        group.entries.append(end(operation, 0) if not row else end(operations[0], port))
    for tensor in plan.output_tensors:
        source, index = plan.origin(tensor)
        group.exits.append(end(source.operation, index))
    return group


def _port(node: Any, position: int) -> int:
    """Which input of a model the tensor at this position of a call is; dicts go by their keys."""
    if _has_graph(node.operation) and (node.args or "inputs" in node.kwargs):
        given = node.args[0] if node.args else node.kwargs["inputs"]
        for port, tensor in enumerate(node.operation._match_arrays(given)):
            if tensor is node.inputs[position]:
                return port
    return position


def _branch(layer: Any, shown: Shown, expand_nested: bool, top: bool = False) -> Branch:
    branch = Branch(_box(layer, shown, ()))
    if top or expand_nested:
        below = layer.layers if hasattr(layer, "layers") else layer._layers
        branch.below = [_branch(each, shown, expand_nested) for each in below]
    return branch


def _box(operation: Any, shown: Shown, calls: Any) -> Box:
    is_layer = isinstance(operation, Layer)
    kind = type(operation).__name__ if is_layer else operation.function.__name__
    rows = []
    activation = getattr(operation, "activation", None)
    if shown.activations and activation is not None:
        name = getattr(activation, "name", None) or getattr(activation, "__name__", activation)
        rows.append(f"activation: {name}")
    came, left, dtypes = _tensors(operation, calls)
    if shown.shapes:
        if came and not isinstance(operation, InputLayer):
            rows.append(f"in: {came}")
        rows.append(f"out: {left}")
    if shown.dtype:
        rows.append(f"dtype: {dtypes}")
    if shown.trainable and is_layer and operation.weights:
        rows.append("trainable" if operation.trainable else "not trainable")
    return Box(operation.name if shown.names else "", kind, rows, _family(operation))


def _tensors(operation: Any, calls: Any) -> tuple[str, str, str]:
    """Shapes that came ("" where nobody noted them), shapes and dtypes that left; of calls with
    other shapes one after the other."""
    nodes = calls or list(getattr(operation, "_inbound", ()))
    if not nodes:
        noted = getattr(operation, "_noted_shapes", None)
        return "", _listed(noted or ()), operation.compute_dtype if noted else "?"

    def told(of: Any) -> str:
        return "; ".join(dict.fromkeys(_listed(of(node)) for node in nodes))

    return (
        told(lambda node: [t.shape for t in node.inputs]),
        told(lambda node: [t.shape for t in node.outputs]),
        told(lambda node: dict.fromkeys(t.dtype for t in node.outputs)),
    )


def _listed(things: Any) -> str:
    texts = list(map(str, things))
    if not texts:
        return "?"
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _family(operation: Any) -> str:
    if isinstance(operation, graph.FunctionCall):
        return "function"
    if isinstance(operation, InputLayer):
        return "input"
    package, *rooms = type(operation).__module__.split(".")
    if package != "unidl":
        return "own"
    return rooms[1] if rooms[0] == "layers" else rooms[0]

"""summary(): the table of a model's layers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from unidl.layers.base.layer import Layer
from unidl.models.cost import elements, memory, model_cost

_NARROWEST = 4  # of a column, in characters
_COLLECTED = 100  # width of what goes to `print_fn`


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
    kernels: bool = False,
    cost: bool = False,
) -> None:
    """Print layers, output shapes, parameters and connections; `print_fn(text)` instead of the
    terminal."""
    from rich.console import Console, Group
    from rich.text import Text

    console = Console(
        file=io.StringIO() if print_fn else None,
        width=line_length or (_COLLECTED if print_fn else None),
        soft_wrap=False,
        highlight=False,
    )
    counted = model_cost(model) if cost else None
    columns = _columns(model, show_trainable, kernels, counted)
    rows = list(_rows(_chosen(model, layer_range), expand_nested))
    cells = [[column.cell(*row) for column in columns] for row in rows]
    table = _table(model, columns, cells, _widths(positions, columns, console.width))
    # In one piece, which is one output of a notebook.
    console.print(Group(table, Text("\n".join(_totals(model, counted)))))
    if print_fn:
        print_fn(cast(io.StringIO, console.file).getvalue())


class _Column:
    """
    Attributes:
        cell: cell(layer, parents of the layer within the model) -> text.
    """

    def __init__(self, title: str, cell: Callable[..., str], justify: str = "left") -> None:
        self.title, self.cell, self.justify = title, cell, justify


def _columns(model: Any, show_trainable: bool, kernels: bool, counted: Any) -> list[_Column]:
    found = [
        _Column("Layer (type)", _name),
        _Column("Output Shape", _shape),
        _Column("Param #", _params, "right"),
    ]
    if model._plan is not None and not _is_row(model):
        plan, nodes = model._plan, {id(node) for node in model._plan.nodes}
        found.append(_Column("Connected to", lambda layer, _: _sources(layer, plan, nodes)))
    if counted is not None:

        def flops(layer: Any, parents: tuple[Any, ...]) -> str:
            return _flops(counted, (model, *parents, layer))

        found.append(_Column("FLOPs", flops, "right"))
    if show_trainable:
        found.append(_Column("Trainable", _trainable, "center"))
    if kernels:
        found.append(_Column("Runs on", _kernels))
    return found


def _table(model: Any, columns: list[_Column], cells: list[list[str]], widths: Any) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # A name may be anything, so it is no markup.
    table = Table(
        title=Text(f'Model: "{model.name}"', style="bold"), title_justify="left", box=box.SQUARE,
        show_lines=True,
    )  # fmt: skip
    for number, column in enumerate(columns):
        # No word is cut, unless it alone is longer than there is room.
        words = [word for row in cells for word in row[number].split()]
        table.add_column(
            column.title,
            justify=column.justify,  # type: ignore[arg-type]
            overflow="fold",
            width=widths[number] if widths else None,
            min_width=None if widths else min(max(map(len, words), default=0), 40),
        )
    for row in cells:
        table.add_row(*map(Text, row))
    return table


def _widths(positions: Any, columns: list[_Column], width: int) -> list[int] | None:
    """Of each column, from where the columns end: as shares of the line or as characters."""
    if positions is None:
        return None
    ends = [float(position) for position in positions]
    if len(ends) != len(columns) or ends != sorted(ends):
        raise ValueError(
            f"summary: positions must say where each of the {len(columns)} columns ends, in "
            f"increasing order, got {list(positions)}. The columns are "
            f"{', '.join(column.title for column in columns)}."
        )
    if ends[-1] <= 1:
        ends = [end * width for end in ends]
    # Each column has a rule and two blanks beside its text.
    found = [int(b) - int(a) - 3 for a, b in zip([0.0, *ends], ends, strict=False)]
    if min(found) < _NARROWEST:
        raise ValueError(
            f"summary: positions {list(positions)} leave fewer than {_NARROWEST} characters for a "
            f"column, with lines of {width}."
        )
    return found


def _totals(model: Any, counted: Any) -> Iterator[str]:
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = model.optimizer if model.compiled else None
    held = optimizer.variables if optimizer is not None and optimizer.built else []
    yield f" Total params: {_size([*trainable, *frozen, *held])}"
    yield f" Trainable params: {_size(trainable)}"
    yield f" Non-trainable params: {_size(frozen)}"
    if held:
        yield f" Optimizer params: {_size(held)}"
    if counted is not None:
        yield f" FLOPs per sample: {counted.flops:,}"
        yield f" Activations per sample: {_bytes(counted.activations)}"
    yield f" Backend: {model.backend.name} {model.backend.version}"
    if not model.built:
        yield (
            " Not built yet: the weights are created once the input shape is known. Call "
            "model.build((None, ...)) or model(data)."
        )


def _is_row(model: Any) -> bool:
    """Whether every layer is called once, with just the one before it as its source."""
    nodes = model._plan.nodes
    return (
        all(len(node.inputs) <= 1 for node in nodes)
        and len({id(node.operation) for node in nodes}) == len(nodes)
        and len(model._plan.output_tensors) == 1
    )


def _operations(model: Any) -> list[Any]:
    plan = model._plan
    if plan is None or hasattr(model, "_stack"):
        return list(model.layers)
    calls: dict[int, list[Any]] = {}
    for node in plan.nodes:
        calls.setdefault(id(node.operation), []).append(node)
    return [
        each if isinstance(each, Layer) else _FunctionRow(each, calls[id(each)])
        for each in plan.operations
    ]


def _chosen(model: Any, layer_range: Any) -> list[Any]:
    """The layers from the first that matches one pattern to the last that matches the other."""
    operations = _operations(model)
    if layer_range is None:
        return operations
    if (
        not isinstance(layer_range, list | tuple)
        or len(layer_range) != 2
        or not all(isinstance(pattern, str) for pattern in layer_range)
    ):
        raise ValueError(
            'summary: layer_range must hold two layer names or patterns, layer_range=("conv1", '
            '"conv3"), got'
            f" {layer_range!r}."
        )
    first, last = (
        [i for i, each in enumerate(operations) if re.match(pattern, each.name)]
        for pattern in layer_range
    )
    for pattern, found in zip(layer_range, (first, last), strict=True):
        if not found:
            raise ValueError(
                f"summary: no layer of {model._who()} matches {pattern!r} of layer_range. Its "
                f"layers: {', '.join(each.name for each in operations)}."
            )
    if first[0] > last[-1]:
        return operations[last[0] : first[-1] + 1]
    return operations[first[0] : last[-1] + 1]


def _rows(
    layers: Any, expand_nested: bool, parents: tuple[Any, ...] = ()
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """(layer, the models that it stands in)."""
    for layer in layers:
        yield layer, parents
        if expand_nested and hasattr(layer, "layers"):
            yield from _rows(layer.layers, True, (*parents, layer))


class _FunctionRow:
    """A function of the graph, shown like a layer without weights."""

    weights = ()
    trainable = True
    built = True
    path = None
    _noted_shapes = None

    def __init__(self, call: Any, nodes: list[Any]) -> None:
        self.name = call.name
        self._inbound = nodes

    def kernel_description(self) -> str:
        return ""


def _name(layer: Any, parents: tuple[Any, ...]) -> str:
    kind = "function" if isinstance(layer, _FunctionRow) else type(layer).__name__
    lead = "   " * len(parents) + "└ " if parents else ""
    return f"{lead}{layer.name} ({kind})"


def _shape(layer: Any, parents: tuple[Any, ...]) -> str:
    if layer._inbound:
        shapes = [t.shape for t in layer._inbound[0].outputs]
    else:
        shapes = list(layer._noted_shapes or ())
    if not shapes:
        return "?"
    return str(shapes[0]) if len(shapes) == 1 else str(shapes)


def _params(layer: Any, parents: tuple[Any, ...]) -> str:
    return f"{elements(layer.weights):,}" if layer.built else "0 (unbuilt)"


def _sources(layer: Any, plan: Any, nodes: set[int]) -> str:
    """What goes into the layer: "dense[0][0]" is of the first call of `dense` the first output."""
    found = []
    for node in layer._inbound:
        if id(node) in nodes:
            for tensor in node.inputs:
                source, index = plan.origin(tensor)
                calls = getattr(source.operation, "_inbound", [source])
                found.append(f"{source.operation.name}[{calls.index(source)}][{index}]")
    return ", ".join(found) or "-"


def _flops(counted: Any, path: tuple[Any, ...]) -> str:
    return "" if path[-1].path is None else f"{counted.flops_of(*path):,}"


def _trainable(layer: Any, parents: tuple[Any, ...]) -> str:
    return "-" if not layer.weights else "Y" if layer.trainable else "N"


def _kernels(layer: Any, parents: tuple[Any, ...]) -> str:
    own = layer.kernel_description()
    inner = [child.kernel_description() for child in getattr(layer, "_layers", ())]
    return "; ".join(dict.fromkeys(d for d in [own, *inner] if d)) or "primitives"


def _size(variables: Sequence[Any]) -> str:
    return f"{elements(variables):,} ({_bytes(memory(variables))})"


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1024:
            return f"{count:.2f} {unit}"
        count /= 1024
    return f"{count:.2f} GB"

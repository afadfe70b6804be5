"""summary(): the table of a model's layers."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from typing import Any, cast

from unidl.layers.base.layer import Layer


def print_summary(
    model: Any,
    line_length: int | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    print_fn: Callable[[str], Any] | None = None,
    kernels: bool = False,
) -> None:
    """Print layers, output shapes, parameters and connections; `print_fn(text)` instead of the
    terminal."""
    from rich import box
    from rich.console import Console, Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f'Model: "{model.name}"', title_justify="left", box=box.SQUARE)
    connected = model._plan is not None and not _is_row(model)
    for title in ("Layer (type)", "Output Shape", "Param #"):
        table.add_column(title, justify="right" if title == "Param #" else "left", overflow="fold")
    for wanted, title in (
        (connected, "Connected to"),
        (show_trainable, "Trainable"),
        (kernels, "Runs on"),
    ):
        if wanted:
            table.add_column(title, overflow="fold")
    for depth, layer in _rows(model, expand_nested):
        cells = [
            "  " * depth + f"{layer.name} ({type(layer).__name__})",
            _shape(layer),
            _params(layer),
        ]
        if connected:
            cells.append(", ".join(_sources(layer, model)))
        if show_trainable:
            cells.append("-" if not layer.weights else "yes" if layer.trainable else "no")
        if kernels:
            cells.append(_kernels(layer))
        table.add_row(*cells)
    console = Console(
        file=io.StringIO() if print_fn else None,
        width=line_length or (100 if print_fn else None),
        soft_wrap=False,
    )
    trainable, frozen = _count(model.trainable_variables), _count(model.non_trainable_variables)
    totals = (
        f" Total params: {_size(trainable, frozen)}\n"
        f" Trainable params: {_size(trainable)}\n"
        f" Non-trainable params: {_size(frozen)}\n"
        f" Backend: {model.backend.name} {model.backend.version}"
    )
    # In one piece, which is one output of a notebook.
    console.print(Group(table, Text(totals)))
    if print_fn:
        print_fn(cast(io.StringIO, console.file).getvalue())


def _is_row(model: Any) -> bool:
    """Whether every layer has just the one before it as its source."""
    return (
        all(len(node.inputs) <= 1 for node in model._plan.nodes)
        and len(model._plan.output_tensors) == 1
    )


def _rows(model: Any, expand_nested: Any, depth: Any = 0) -> Iterator[Any]:
    layers = (
        model._plan.operations
        if model._plan is not None and not hasattr(model, "_stack")
        else model.layers
    )
    for layer in layers:
        yield depth, layer if isinstance(layer, Layer) else _FunctionRow(layer)
        if expand_nested and hasattr(layer, "_plan"):
            yield from _rows(layer, True, depth + 1)


class _FunctionRow:
    """A function of the graph, shown like a layer without weights."""

    weights = ()
    trainable = True
    built = True
    _noted_shapes = None

    def __init__(self, call: Any) -> None:
        self.name, self._call = call.name, call

    def kernel_description(self) -> str:
        return ""

    _inbound = ()


def _shape(layer: Any) -> Any:
    if layer._inbound:
        shapes = [t.shape for t in layer._inbound[0].outputs]
    else:
        shapes = layer._noted_shapes
    return ", ".join(map(str, shapes)) if shapes else "?"


def _params(layer: Any) -> str:
    if not layer.built:
        return "0 (unbuilt)"
    return f"{_elements(layer.weights):,}"


def _sources(layer: Any, model: Any) -> Any:
    nodes = {id(n) for n in model._plan.nodes}
    return [
        f"{t.history[0].operation.name}[{t.history[1]}]"
        if len(t.history[0].outputs) > 1
        else t.history[0].operation.name
        for node in layer._inbound
        if id(node) in nodes
        for t in node.inputs
        if t.history is not None
    ]


def _kernels(layer: Any) -> Any:
    own = layer.kernel_description()
    inner = [child.kernel_description() for child in getattr(layer, "_layers", ())]
    return "; ".join(dict.fromkeys(d for d in [own, *inner] if d)) or "primitives"


def _elements(variables: Any) -> Any:
    return sum(math.prod(v.shape) for v in variables)


def _count(variables: Any) -> Any:
    width = {
        "bool": 1,
        "uint8": 1,
        "int8": 1,
        "float16": 2,
        "bfloat16": 2,
        "float64": 8,
        "int64": 8,
    }
    return _elements(variables), sum(math.prod(v.shape) * width.get(v.dtype, 4) for v in variables)


def _size(*counts: Any) -> str:
    elements, size = (sum(c[i] for c in counts) for i in (0, 1))
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{elements:,} ({size:.2f} {unit})"
        size /= 1024
    return f"{elements:,} ({size:.2f} GB)"

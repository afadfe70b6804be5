"""A recurrent layer by its cell: one step of it becomes a class, for a loop over the moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from unidl import Input, layers, ops, tree
from unidl.port.errors import Refused
from unidl.port.source import block as blocks
from unidl.port.source import rules
from unidl.port.source.names import class_name
from unidl.tracing import graph

_STATES = {1: ["h"], 2: ["h", "c"]}


class Step(NamedTuple):
    """What is written for a cell.

    Attributes:
        name: of its class, which takes and returns x, *states.
        weights: as `Call.child` takes them, those of the cell being at `place`.
        sizes: of each state, without the batch.
        given: arguments of the class.
    """

    name: str
    weights: list[tuple]
    sizes: list[tuple[int, ...]]
    given: str = ""

    @property
    def made(self) -> str:
        return f"{self.name}({self.given})"


def step_of(m: Any, call: Any, place: str = "", known: Any = None) -> Step:
    """The cell of the recurrent layer `m`, whose input is that of `call`.

    known: (cell, shape of a moment) -> the Step of a cell that needs no class, or None.
    """
    _require_no_states(m, call)
    found = known(m.cell, call.shape[2:]) if known else None
    return found or _step(m.cell, call.shape[2:], m.get_initial_state(batch_size=1), call, place)


def steps_of(m: Any, call: Any, place: str = "", known: Any = None) -> list[Step]:
    """Those of a layer whose cells stand one on the other: each could be a layer of its own."""
    _require_no_states(m, call)
    found, shape = [], call.shape[2:]
    starts = m.cell.get_initial_state(batch_size=1)
    for cell, start in zip(m.cell.cells, starts, strict=True):
        ready = known(cell, shape) if known else None
        found.append(ready or _step(cell, shape, start, call, place))
        shape = found[-1].sizes[0]
    return found


def one_on_the_other(
    m: Any, call: Any, steps: list[Step], called: Callable[[int, str, list[str]], str]
) -> str:
    """The call of the last of several cells, with lines before it where states are returned.

    called: (number of the cell, its input or "" for the first, states to begin with) -> a call
    that gives (outputs, state ...).
    """
    given, text, kept = rules.initial_states(call), "", []
    for i, step in enumerate(steps):
        count = len(step.sizes)
        mine, given = given[:count], given[count:]
        text = called(i, f"{text}[0]" if text and not m.return_state else text, mine)
        if m.return_state:
            text, *states = call.scope.lines(["y", *["state"] * count], text)
            kept += states
    return ", ".join([text, *kept]) if m.return_state else text


def _require_no_states(m: Any, call: Any) -> None:
    """No states that are kept, where they are not written."""
    if m.stateful and not call.scope.writer.keeps_states:
        raise Refused("stateful=True")
    if m.stateful and rules.initial_states(call):
        raise Refused("stateful=True and an initial_state")


def _step(cell: Any, shape: Any, start: Any, call: Any, place: str) -> Step:
    writer, dtype = call.scope.writer, call.node.inputs[0].dtype
    if getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0):
        raise Refused("dropout within the recurrence")
    arrays = [ops.convert_to_numpy(state) for state in tree.flatten(start)]
    if any(array.any() for array in arrays):
        raise Refused("a first state that is not zero")
    symbols = [Input(batch_shape=(None, *a.shape[1:]), dtype=dtype) for a in arrays]
    moment = Input(batch_shape=(None, *shape), dtype=dtype)
    given = moment, tree.pack_sequence_as(start, symbols)
    block = blocks.of_layer(cell, given, {}, writer.trains)
    block.outputs = graph.flatten_tensors(block.outputs)
    block.names = ["x", *_STATES.get(len(arrays), [f"state{i}" for i in range(len(arrays))])]
    kind = class_name(type(cell).__name__)
    name, inner = writer.class_of(block, kind, f"{call.scope.path}{call.layer.name}/")
    weights = [
        (tuple(f"{place}{n}" for n in names), variable, rule)
        for names, variable, rule in writer.inner_entries(cell, inner)
    ]
    return Step(name, weights, [a.shape[1:] for a in arrays])


RECURRENT = (
    layers.RNN, layers.LSTM, layers.GRU, layers.SimpleRNN, layers.ConvLSTM1D, layers.ConvLSTM2D,
    layers.ConvLSTM3D, layers.Bidirectional,
)  # fmt: skip

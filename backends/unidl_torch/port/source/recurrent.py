"""LSTM, GRU and simple recurrence, in one direction or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import activations, layers, tree
from unidl.port.errors import Refused
from unidl.port.source.cells import Step, one_on_the_other, step_of, steps_of
from unidl.port.source.rules import called, initial_states, unless
from unidl.port.weight_rules import gates, same, transposed
from unidl_torch.port.source.rules import layer

_UPDATE_FIRST = (1, 0, 2)  # torch's GRU has the reset gate first


def _check_recurrent(m: Any, cell: Any, kind: str) -> None:
    if m.stateful:
        raise Refused("stateful=True")
    _check_cell(cell, kind)


def _check_cell(cell: Any, kind: str) -> None:
    usual = {"LSTM": "tanh", "GRU": "tanh"}.get(kind)
    name = activations.serialize(cell.activation)
    if (usual and name != usual) or (kind == "RNN" and name not in ("tanh", "relu")):
        raise Refused(f"activation={name!r}, which torch's {kind} does not have")
    gate = getattr(cell, "recurrent_activation", None)
    if gate is not None and activations.serialize(gate) != "sigmoid":
        raise Refused("another recurrent_activation than sigmoid")
    if cell.dropout or cell.recurrent_dropout:
        raise Refused("dropout within the recurrence")
    if kind == "GRU" and not cell.reset_after:
        raise Refused("reset_after=False, which torch's GRU does not have")


def _weights_of(cell: Any, kind: str, pattern: str) -> tuple[list, list]:
    """(weights, biases that stay 0)."""
    kernels = pattern.format("weight_ih"), pattern.format("weight_hh")
    biases = pattern.format("bias_ih"), pattern.format("bias_hh")
    kernel = transposed(1, 0)
    if kind == "GRU":
        kernel = gates(*_UPDATE_FIRST).then(kernel)
    found = [
        (kernels[0], cell.kernel, kernel),
        (kernels[1], cell.recurrent_kernel, kernel),
    ]
    if not cell.use_bias:
        return found, []
    if kind == "GRU":
        return [*found, (biases, cell.bias, gates(*_UPDATE_FIRST, axis=1))], []
    # Trained alone, as in unidl: torch would move their sum twice as far.
    return [*found, (biases[0], cell.bias)], [biases[1]]


def _zeros(cell: Any, names: list[str]) -> list[tuple]:
    return [(name, np.zeros(cell.bias.shape, "float32")) for name in names]


def _written(call: Any, kind: str, m: Any, both: list, merge: Any = "") -> str:
    cells = [getattr(one, "cell", one) for one in both]
    for one, cell in zip(both, cells, strict=True):
        _check_recurrent(one, cell, kind)
    cell = cells[0]
    nonlinearity = activations.serialize(cell.activation) if kind == "RNN" else None
    made = called(
        f"nn.{kind}", call.shape[-1], cell.units, bias=None if cell.use_bias else False,
        nonlinearity=unless(nonlinearity, "tanh"), batch_first=True,
        bidirectional=True if len(both) > 1 else None,
    )  # fmt: skip
    weights, zero = [], []
    for suffix, one in zip(("", "_reverse"), cells, strict=False):
        mine, still = _weights_of(one, kind, f"{{}}_l0{suffix}")
        weights += mine + _zeros(one, still)
        zero += [f"{name}.requires_grad_(False)  # the other bias is all" for name in still]
    me = call.child(made, *weights, after=tuple(zero))
    x = call.plain()
    if len(both) == 1 and both[0].go_backwards:
        x = f"torch.flip({x}, [1])"
    return _results(call, f"{me}({', '.join([x, *_initial(call, len(both))])})", m, merge)


def _initial(call: Any, directions: int) -> list[str]:
    """The states at the beginning, if they are given."""
    states = initial_states(call)
    if not states:
        return []
    if directions > 1:
        half = len(states) // 2
        both = zip(states[:half], states[half:], strict=True)
        given = [f"torch.stack([{one}, {other}])" for one, other in both]
    else:
        given = [f"{state}.unsqueeze(0)" for state in states]
    return [given[0] if len(given) == 1 else f"({', '.join(given)})"]


def _results(call: Any, text: str, m: Any, merge: Any) -> str:
    """What of (sequence, states) the layer returns; `merge` is "" for one direction."""
    if m.return_state:
        if merge not in ("", "concat"):
            raise Refused(f"merge_mode={merge!r} with return_state=True")
        _say_states(m, call)
        last = "" if m.return_sequences else ", last=True"
        return f"{call.helper('with_both_states' if merge else 'with_states')}({text}{last})"
    if merge == "":
        return f"{text}[0]" if m.return_sequences else f"{text}[0][:, -1]"
    both = f"{text}[0]" if m.return_sequences else f"{call.helper('both_ends')}({text})"
    if merge == "concat":
        return both
    halves = f"{both}.chunk(2, dim=-1)"
    return halves if merge is None else _MERGED[merge].format(f"*{halves}")


def _say_states(m: Any, call: Any) -> None:
    call.comment = "(sequence, states)" if m.return_sequences else "(last output, states)"


_MERGED = {
    "concat": "torch.cat(({}), dim=-1)", "sum": "torch.add({})", "mul": "torch.mul({})",
    "ave": "torch.add({}) / 2", None: "({})",
}  # fmt: skip


def _stepped(
    call: Any, m: Any, owner: Any, step: Any, reverse: bool, last: bool, states: Any
) -> str:
    """The child of `owner` that goes through the moments of the layer `m` with a cell; `states` are
    those that it keeps."""
    given = [step.made, *map(repr, step.sizes)]
    given += ["reverse=True"] if reverse else []
    given += ["last=True"] if last else []
    kind = call.helper("Recurrent")
    if call.mask():
        kind = call.helper("MaskedRecurrent")
        given += ["zeros=True"] if m.zero_output_for_mask else []
    made = f"{kind}({', '.join(given)})"
    if not m.stateful:
        return call.scope.child(owner, made, step.weights)
    call.warn("its states are the module's own; reset_state() of the module makes them zero")
    shapes = [repr(tuple(state.shape)) for state in states]
    weights = [(tuple(f"inner.{n}" for n in names), *more) for names, *more in step.weights]
    weights += [((f"state{i}",), state, same) for i, state in enumerate(states)]
    call.helper("Stateful")
    return call.scope.child(owner, f"Stateful({', '.join([made, *shapes])})", weights)


_CELLS = {layers.LSTMCell: "LSTM", layers.GRUCell: "GRU", layers.SimpleRNNCell: "RNN"}


def _of_torch(call: Any) -> Any:
    """See `step_of`: cells that torch has."""

    def known(cell: Any, shape: Any) -> Step | None:
        kind = _CELLS.get(type(cell))
        if kind is None or not _is_usual([cell], kind):
            return None
        relu = kind == "RNN" and cell.activation is activations.relu
        given = [str(shape[-1]), str(cell.units), *([] if cell.use_bias else ["bias=False"])]
        given += ["nonlinearity='relu'"] if relu else []
        weights, still = _weights_of(cell, kind, "cell.{}")
        entries = [(_as_tuple(n), v, rule[0] if rule else same) for n, v, *rule in weights]
        entries += [((n,), v, same) for n, v in _zeros(cell, still)]
        count = 2 if kind == "LSTM" else 1
        name = call.helper(f"{kind}Step")
        return Step(name, entries, [(cell.units,)] * count, ", ".join(given))

    return known


def _as_tuple(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _through(m: Any, call: Any, last: bool) -> str:
    """The call of a module for the layer's own cell, or of one for each of its cells."""
    given = [call.plain(), *([call.mask()] if call.mask() else [])]
    if not isinstance(m.cell, layers.StackedRNNCells):
        step, states = step_of(m, call, "cell.", _of_torch(call)), tree.flatten(m.states)
        me = _stepped(call, m, m, step, m.go_backwards, last, states)
        return f"{me}({', '.join([*given, *initial_states(call)])})"
    steps = steps_of(m, call, "cell.", _of_torch(call))
    if len(given) > 1 and m.go_backwards:
        raise Refused("several cells that go backwards, with a mask")

    def called_(i: int, x: str, begin: list[str]) -> str:
        is_last = last and i == len(steps) - 1
        states = tree.flatten(m.states[i]) if m.stateful else []
        backwards = m.go_backwards and i == 0
        me = _stepped(call, m, m.cell.cells[i], steps[i], backwards, is_last, states)
        return f"{me}({', '.join([x or given[0], *given[1:], *begin])})"

    return one_on_the_other(m, call, steps, called_)


def _by_steps(m: Any, call: Any) -> str:
    text = _through(m, call, last=not m.return_sequences)
    if m.return_state:
        _say_states(m, call)
        return text
    return f"{text}[0]"


def _both_by_steps(m: Any, call: Any) -> str:
    if m.return_state or initial_states(call):
        raise Refused("states of a bidirectional layer that torch does not have")
    sequences = m.return_sequences
    one, other = (
        f"{_through(each, call, last=not sequences)}[0]"
        for each in (m.forward_layer, m.backward_layer)
    )
    other = f"torch.flip({other}, [1])" if sequences else other
    return _MERGED[m.merge_mode].format(f"{one}, {other}")


def _is_of_torch(layers_: list, kind: str | None, call: Any) -> bool:
    """Whether torch's module of that kind does what these layers do."""
    if kind is None or call.mask() or any(one.stateful for one in layers_):
        return False
    return _is_usual([one.cell for one in layers_], kind)


def _is_usual(cells: list, kind: str) -> bool:
    try:
        for cell in cells:
            _check_cell(cell, kind)
    except Refused:
        return False
    return True


_KINDS = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}


@layer(
    *_KINDS, layers.RNN, layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D
)  # fmt: skip
def recurrent(m: Any, call: Any) -> str:
    kind = _KINDS.get(type(m))
    if _is_of_torch([m], kind, call):
        return _written(call, str(kind), m, [m])
    return _by_steps(m, call)


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = [m.forward_layer, m.backward_layer]
    kinds = {_KINDS.get(type(one)) for one in both}
    kind = kinds.pop() if len(kinds) == 1 else None
    if _is_of_torch(both, kind, call):
        return _written(call, str(kind), m, both, m.merge_mode)
    return _both_by_steps(m, call)

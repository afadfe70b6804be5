"""LSTM, GRU and simple recurrence, in one direction or both; cells that stand one on another."""

from __future__ import annotations

from typing import Any

from unidl import activations, layers
from unidl.layers.recurrent.conv_lstm import ConvLSTMCell
from unidl.port.errors import Refused
from unidl.port.source import rules
from unidl.port.source.cells import Step, one_on_the_other
from unidl.port.source.rules import Text, one_or_each, unless
from unidl.port.weight_rules import gates, same
from unidl_jax.port.source.rules import activation_text, is_channels_first, layer, made

_RESET_FIRST = (1, 0, 2)  # Flax' GRU has the reset gate before the update gate

_CELLS = {layers.LSTMCell: "LSTM", layers.GRUCell: "GRU", layers.SimpleRNNCell: "RNN"}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_DEFAULTS = {"activation_fn": activations.tanh, "gate_fn": activations.sigmoid}


def _cell(cell: Any, call: Any, size: int, inside: str) -> tuple[str, list, list]:
    """(what makes it, weights, lines that follow); `inside` leads from the layer to the cell."""
    kind = _CELLS.get(type(cell))
    if kind is None and not isinstance(cell, ConvLSTMCell):
        raise Refused(f"a cell of type {type(cell).__name__}")
    if cell.dropout or cell.recurrent_dropout:
        raise Refused("dropout within the recurrence")
    used = {"activation_fn": cell.activation}
    if kind != "RNN":
        used["gate_fn"] = cell.recurrent_activation
    options = {
        name: Text(activation_text(given, call))
        for name, given in used.items()
        if given is not _DEFAULTS[name]
    }
    if kind is None:
        return _convolutional(cell, call, size, inside, options)
    name, more = _class_of(cell, kind, call)
    text = made(name, size, cell.units, **options, **more)
    rule = () if kind != "GRU" else (gates(*_RESET_FIRST, axis=-1),)
    weights: list[tuple] = [
        (f"{inside}dense_i.kernel", cell.kernel, *rule),
        (f"{inside}dense_h.kernel", cell.recurrent_kernel, *rule),
    ]
    with_bias = "dense_h" if kind == "LSTM" else "dense_i"
    if not cell.use_bias:
        before = cell.units if with_bias == "dense_h" else size
        linear = made("nnx.Linear", before, _GATES[kind] * cell.units, use_bias=False)
        return text, weights, [f"{inside}{with_bias} = {linear}"]
    names: Any = f"{inside}{with_bias}.bias"
    if name == "GRUCell":
        names = (f"{inside}dense_i.bias", f"{inside}dense_h.bias")
    return text, [*weights, (names, cell.bias, *rule)], []


def _convolutional(
    cell: Any, call: Any, size: int, inside: str, options: dict
) -> tuple[str, list, list]:
    if is_channels_first(cell):
        raise Refused("data_format='channels_first'")
    text = made(
        call.helper("ConvLSTMCell"), size, cell.filters, tuple(cell.kernel_size),
        strides=unless(one_or_each(cell.strides), 1),
        padding=unless(cell.padding.upper(), "SAME"),
        kernel_dilation=unless(one_or_each(cell.dilation_rate), 1),
        use_bias=unless(cell.use_bias, True), **options,
    )  # fmt: skip
    weights = [(f"{inside}conv_i.kernel", cell.kernel)]
    weights.append((f"{inside}conv_h.kernel", cell.recurrent_kernel))
    return text, weights + ([(f"{inside}conv_i.bias", cell.bias)] if cell.use_bias else []), []


def _class_of(cell: Any, kind: str, call: Any) -> tuple[str, dict]:
    """(the cell's class, options that it needs)."""
    if kind == "LSTM":
        return "nnx.OptimizedLSTMCell", {}
    if kind == "RNN":
        return "nnx.SimpleCell", {"dtype": Text("None")}  # it computes in float32 by default
    if not cell.reset_after:
        return call.helper("ResetFirstGRUCell"), {}
    return (call.helper("GRUCell") if cell.use_bias else "nnx.GRUCell"), {}


def _check(m: Any) -> None:
    if m.stateful:
        raise Refused("stateful=True")


def _carry(states: list[str]) -> str:
    """As Flax has it: the memory before the output of an LSTM."""
    if not states:
        return ""
    # In a loop it is arrays, no variables.
    states = [f"{s}[...]" if s.startswith("self.") else s for s in states]
    return states[0] if len(states) == 1 else f"({', '.join(reversed(states))})"


@layer(
    layers.LSTM, layers.GRU, layers.SimpleRNN, layers.RNN, layers.ConvLSTM1D, layers.ConvLSTM2D,
    layers.ConvLSTM3D,
)  # fmt: skip
def recurrent(m: Any, call: Any) -> str:
    _check(m)
    if isinstance(m.cell, layers.StackedRNNCells):
        return _stacked(m, call)
    if call.mask():
        carry = _carry(rules.initial_states(call))
        return _results(m, call, _masked(m, m, call, carry))
    text, weights, after = _cell(m.cell, call, call.shape[-1], "cell.")
    options = ", return_carry=True" if m.return_state else ""
    options += ", reverse=True" if m.go_backwards else ""
    me = call.child(f"nnx.RNN({text}{options})", *weights, after=tuple(after))
    states = rules.initial_states(call)
    given = f", initial_carry={_carry(states)}" if states else ""
    result = f"{me}({call.plain()}{given})"
    if m.return_state:
        return _results(m, call, result)
    return result if m.return_sequences else f"{result}[:, -1]"


def _results(m: Any, call: Any, result: str) -> str:
    """Of (carry, sequence)."""
    if m.return_state:
        call.comment = "(sequence, states)" if m.return_sequences else "(last output, states)"
        last = "" if m.return_sequences else ", last=True"
        return f"{call.helper('with_states')}({result}{last})"
    return f"{result}[1]" if m.return_sequences else f"{result}[1][:, -1]"


def _masked(one: Any, owner: Any, call: Any, carry: str = "", x: str = "", cell: Any = None) -> str:
    """The call of a child of `owner`, which does what the layer `one` does, or one of its cells,
    and leaves out what a mask says: (carry, sequence)."""
    cell = cell or one.cell
    size = _before(one, cell) if x else call.shape[-1]
    text, weights, after = _cell(cell, call, size, "cell.")
    options = ", reverse=True" if one.go_backwards and not x else ""
    options += ", zeros=True" if one.zero_output_for_mask else ""
    entries = [(n, v, rule[0] if rule else same) for n, v, *rule in weights]
    made_ = f"{call.helper('MaskedRNN')}({text}{options})"
    me = call.scope.child(owner, made_, entries, after=tuple(after))
    return f"{me}({', '.join([x or call.plain(), call.mask(), *([carry] if carry else [])])})"


def _before(m: Any, cell: Any) -> int:
    """The size of what comes to one of several cells."""
    cells = m.cell.cells
    return cells[next(i for i, c in enumerate(cells) if c is cell) - 1].units


def _stacked(m: Any, call: Any) -> str:
    """A layer for each cell, one on the other."""
    if call.mask() and m.go_backwards:
        raise Refused("several cells that go backwards, with a mask")
    if call.mask() or m.return_state or rules.initial_states(call):
        return _each_by_itself(m, call)
    size, parts = call.shape[-1], []
    weights: list[tuple] = []
    after: list[str] = []
    for i, cell in enumerate(m.cell.cells):
        text, mine, lines = _cell(cell, call, size, f"layers.{i}.cell.")
        backwards = ", reverse=True" if m.go_backwards and i == 0 else ""
        parts.append(f"nnx.RNN({text}{backwards})")
        weights += mine
        after += [line.replace(f"layers.{i}.", f"layers[{i}].", 1) for line in lines]
        size = cell.units
    me = call.child(f"nnx.Sequential({', '.join(parts)})", *weights, after=tuple(after))
    return f"{me}({call.plain()})" if m.return_sequences else f"{me}({call.plain()})[:, -1]"


def _each_by_itself(m: Any, call: Any) -> str:
    """The cells as layers of their own, whose states are given, or returned, or left by a mask."""
    cells = m.cell.cells
    counts = [1 if isinstance(c, layers.GRUCell | layers.SimpleRNNCell) else 2 for c in cells]

    def called(i: int, x: str, begin: list[str]) -> str:
        carry = _carry(begin)
        if call.mask():
            result = _masked(m, cells[i], call, carry, x, cells[i])
        else:
            size = _before(m, cells[i]) if x else call.shape[-1]
            text, weights, after = _cell(cells[i], call, size, "cell.")
            entries = [(n, v, rule[0] if rule else same) for n, v, *rule in weights]
            backwards = ", reverse=True" if m.go_backwards and not x else ""
            made_ = f"nnx.RNN({text}, return_carry=True{backwards})"
            me = call.scope.child(cells[i], made_, entries, after=tuple(after))
            given = f", initial_carry={carry}" if carry else ""
            result = f"{me}({x or call.plain()}{given})"
        return f"{call.helper('with_states')}({result})"

    steps = [Step("", [], [()] * count) for count in counts]
    text = one_on_the_other(m, call, steps, called)
    if m.return_state:
        y, _, states = text.partition(", ")
        return text if m.return_sequences else f"{y}[:, -1], {states}"
    return f"{text}[0]" if m.return_sequences else f"{text}[0][:, -1]"


# How both directions are merged: whole sequences, or the last outputs.
_MERGED = {"sum": "jnp.add", "mul": "jnp.multiply", "ave": "averaged"}
_MERGED_ENDS = {
    "concat": "ends", "sum": "added_ends", "mul": "multiplied_ends", "ave": "averaged_ends"
}  # fmt: skip


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = {"forward_rnn": m.forward_layer, "backward_rnn": m.backward_layer}
    texts: list[str] = []
    weights: list[tuple] = []
    after: list[str] = []
    for name, one in both.items():
        _check(one)
        if type(one) not in (layers.LSTM, layers.GRU, layers.SimpleRNN, layers.RNN):
            raise Refused(f"both directions of {type(one).__name__}")
        text, mine, lines = _cell(one.cell, call, call.shape[-1], f"{name}.cell.")
        texts.append(f"nnx.RNN({text})")
        weights, after = [*weights, *mine], [*after, *lines]
    if m.forward_layer.go_backwards or not m.backward_layer.go_backwards:
        raise Refused("a first direction that runs backwards")
    if call.mask():
        return _both_masked(m, call)
    if m.merge_mode is None:
        raise Refused("merge_mode=None")
    merged = (_MERGED if m.return_sequences else _MERGED_ENDS).get(m.merge_mode)
    if merged is not None and not merged.startswith("jnp."):
        call.helper(merged)
    options = f", merge_fn={merged}" if merged else ""
    options += ", return_carry=True" if m.return_state else ""
    me = call.child(f"nnx.Bidirectional({', '.join(texts)}{options})", *weights, after=tuple(after))
    counts = [len(one.state_size) for one in both.values()]
    states = rules.initial_states(call)
    given = ""
    if states:
        carries = _carry(states[: counts[0]]), _carry(states[counts[0] :])
        given = f", initial_carry=({', '.join(carries)})"
    result = f"{me}({call.plain()}{given})"
    if not m.return_state:
        return result
    call.comment = "outputs, states of both directions"
    return f"{call.helper('both_states')}({result})"


def _both_masked(m: Any, call: Any) -> str:
    if m.return_state or rules.initial_states(call):
        raise Refused("states of a bidirectional layer with a mask")
    one, other = (f"{_masked(x, x, call)}[1]" for x in (m.forward_layer, m.backward_layer))
    behind = ("", "[:, ::-1]") if m.return_sequences else ("[:, -1]", "[:, -1]")
    one, other = one + behind[0], other + behind[1]
    if m.merge_mode == "concat":
        return f"jnp.concatenate([{one}, {other}], axis=-1)"
    if m.merge_mode is None:
        return f"{one}, {other}"
    merged = f"{one} {'*' if m.merge_mode == 'mul' else '+'} {other}"
    return f"({merged}) / 2" if m.merge_mode == "ave" else merged

"""LSTM, GRU and simple recurrence, in one direction or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import activations, layers
from unidl.port.errors import Refused
from unidl.port.source.cells import one_on_the_other, step_of, steps_of
from unidl.port.source.rules import called, initial_states, unless
from unidl.port.weight_rules import gates, same, transposed
from unidl_mxnet.port.source.rules import argument, layer

_UPDATE_FIRST = (1, 0, 2)  # Gluon's GRU has the reset gate first
_KINDS = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}


def _check(m: Any, cell: Any) -> None:
    if cell.dropout or cell.recurrent_dropout:
        raise Refused("dropout within the recurrence")
    if m.stateful:
        raise Refused("stateful=True")


def _is_fused(m: Any, cell: Any, kind: str) -> bool:
    """Whether gluon.rnn has a layer for it; its cells can do more, step by step."""
    usual = (activations.tanh, activations.relu) if kind == "RNN" else (activations.tanh,)
    gate = getattr(cell, "recurrent_activation", activations.sigmoid)
    if cell.activation not in usual or gate is not activations.sigmoid:
        return False
    if kind == "GRU" and not cell.reset_after:
        return False
    # The kernels of these leave something in the gradient of the weights that those of inputs need.
    return kind == "LSTM" or m.trainable


def _weights_of(cell: Any, kind: str, prefix: str) -> tuple[list, bool]:
    """(weights, whether the bias of the input stays 0 too, not that of the state alone)."""
    kernel = transposed(1, 0)
    if kind == "GRU":
        kernel = gates(*_UPDATE_FIRST).then(kernel)
    found = [
        (f"{prefix}i2h_weight", cell.kernel, kernel),
        (f"{prefix}h2h_weight", cell.recurrent_kernel, kernel),
    ]
    names = (f"{prefix}i2h_bias", f"{prefix}h2h_bias")
    zeros = np.zeros(cell.kernel.shape[1], cell.kernel.dtype)
    if not cell.use_bias:
        return [*found, (names[0], zeros), (names[1], zeros)], True
    if kind == "GRU" and cell.reset_after:
        return [*found, (names, cell.bias, gates(*_UPDATE_FIRST, axis=1))], False
    order = gates(*_UPDATE_FIRST) if kind == "GRU" else same
    return [*found, (names[0], cell.bias, order), (names[1], zeros)], False


def _still(cell: Any, kind: str, prefix: str, all_biases: bool) -> list[str]:
    """Lines behind what makes the child. One bias is trained alone, as in unidl: Gluon would move
    their sum twice as far."""
    if kind == "GRU" and cell.use_bias and cell.reset_after:
        return []
    which = ("i2h", "h2h") if all_biases else ("h2h",)
    return [f'{prefix}{each}_bias.grad_req = "null"  # stays 0' for each in which]


def _written(call: Any, kind: str, m: Any, both: list, merge: Any = "") -> str:
    cells = [getattr(one, "cell", one) for one in both]
    for one, cell in zip(both, cells, strict=True):
        _check(one, cell)
    if merge not in ("", "concat") and not call.mask():
        raise Refused(f"merge_mode={merge!r}")
    if merge != "" and (m.return_state or initial_states(call)):
        raise Refused("states of a bidirectional layer")
    if call.mask():
        return _masked(call, kind, m, both, merge)
    x = call.plain()
    if len(both) == 1 and both[0].go_backwards:
        x = f"F.flip({x}, axis=1)"
    fused = all(_is_fused(one, cell, kind) for one, cell in zip(both, cells, strict=True))
    text = (_fused if fused else _unrolled)(call, kind, x, cells, m.return_state)
    if m.return_state:
        return _with_states(m, call, text)
    if m.return_sequences:
        return text
    return f"{call.helper('both_ends' if merge else 'last')}(F, {text})"


def _with_states(m: Any, call: Any, text: str) -> str:
    """Of (sequence, states)."""
    call.comment = "(sequence, states)" if m.return_sequences else "(last output, states)"
    more = "" if m.return_sequences else ", is_last=True"
    return f"{call.helper('with_states')}(F, {text}{more})"


def _masked(call: Any, kind: str, m: Any, both: list, merge: Any) -> str:
    """Cells of gluon.rnn, in a loop that leaves out what a mask says."""
    if merge == "":
        text = _one_masked(call, kind, m)
        if m.return_state:
            return _with_states(m, call, text)
        return f"{text}[0]" if m.return_sequences else f"{call.helper('last')}(F, {text}[0])"
    one, other = (f"{_one_masked(call, kind, each)}[0]" for each in both)
    if m.return_sequences:
        other = f"F.flip({other}, axis=1)"
    else:
        one, other = (f"{call.helper('last')}(F, {text})" for text in (one, other))
    one, other = call.scope.line("forward", one, ""), call.scope.line("backward", other, "")
    if merge == "concat":
        return f"F.concat({one}, {other}, dim={2 if m.return_sequences else 1})"
    if merge is None:
        return f"{one}, {other}"
    merged = f"{one} {'*' if merge == 'mul' else '+'} {other}"
    return f"({merged}) / 2" if merge == "ave" else merged


def _one_masked(call: Any, kind: str, one: Any) -> str:
    cell, x, mask = getattr(one, "cell", one), call.plain(), call.mask()
    weights, all_biases = _weights_of(cell, kind, "")
    entries = [(n, v, rule[0] if rule else same) for n, v, *rule in weights]
    after = tuple(_still(cell, kind, "", all_biases))
    me = call.scope.child(one, _cell(call, cell, kind), entries, after=after)
    given = initial_states(call)
    # A loop of MXNet wants another symbol for each.
    states = [f"F.identity({s})" if s in given[:i] else s for i, s in enumerate(given)]
    if not states:
        zeros = f"{call.helper('zero_states')}(F, {x}, {cell.units})"
        states = [zeros] * (2 if kind == "LSTM" else 1)
    if one.go_backwards:
        x, mask = f"F.flip({x}, axis=1)", f"F.flip({mask}, axis=1)"
    more = ", zeros=True" if one.zero_output_for_mask else ""
    return f"{call.helper('masked')}(F, {me}, {x}, {mask}, [{', '.join(states)}]{more})"


def _fused(call: Any, kind: str, x: str, cells: list, with_states: bool) -> str:
    """A layer of gluon.rnn: its sequence, or (sequence, states)."""
    cell, count = cells[0], len(cells)
    made = called(
        f"rnn.{kind}", cell.units, layout="NTC", input_size=call.shape[-1],
        activation=activations.serialize(cell.activation) if kind == "RNN" else None,
        bidirectional=True if count > 1 else None,
    )  # fmt: skip
    weights, after = [], []
    for direction, one in zip("lr", cells, strict=False):
        inside = f"_unfused.0.{direction}_cell." if count > 1 else "_unfused.0."
        mine, all_biases = _weights_of(one, kind, inside)
        weights += mine
        after += _still(one, kind, f"{direction}0_", all_biases)
    me = call.child(made, *weights, after=tuple(after))
    given = initial_states(call)
    if not given and not with_states:
        return f"{me}({x})"
    if given:
        states = [f"F.expand_dims({s}, axis=0)" for s in given]
    else:
        zeros = f"{call.helper('zero_states')}(F, {x}, {cell.units})"
        states = [f"F.expand_dims({zeros}, axis=0)"] * (2 if kind == "LSTM" else 1)
    text = f"{me}({x}, [{', '.join(states)}])"
    return f"{call.helper('without_layers')}(F, {text})" if with_states else f"{text}[0]"


def _unrolled(call: Any, kind: str, x: str, cells: list, with_states: bool) -> str:
    """Cells of gluon.rnn, step by step."""
    steps = call.shape[1]
    if steps is None:
        raise Refused("an open number of steps, of a recurrence that gluon.rnn has no layer for")
    made, weights, after = [], [], []
    for direction, cell in zip("lr", cells, strict=False):
        made.append(_cell(call, cell, kind))
        prefix = f"{direction}_cell." if len(cells) > 1 else ""
        mine, all_biases = _weights_of(cell, kind, prefix)
        weights += mine
        place = f"_children[{f'{direction}_cell'!r}]." if len(cells) > 1 else ""
        after += _still(cell, kind, place, all_biases)
    both = f"rnn.BidirectionalCell({', '.join(made)})"
    me = call.child(both if len(cells) > 1 else made[0], *weights, after=tuple(after))
    states = initial_states(call)
    if not states:
        zeros = f"{call.helper('zero_states')}(F, {x}, {cells[0].units})"
        states = [zeros] * (len(cells) * (2 if kind == "LSTM" else 1))
    given = f"{steps}, {x}, [{', '.join(states)}], layout='NTC', merge_outputs=True"
    text = f"{me}.unroll({given})"
    return text if with_states else f"{text}[0]"


def _cell(call: Any, cell: Any, kind: str) -> str:
    name = _act_type(cell.activation)
    if kind == "RNN":
        return called("rnn.RNNCell", cell.units, activation=name, input_size=call.shape[-1])
    gate = _act_type(cell.recurrent_activation)
    options = {"activation": unless(name, "tanh"), "recurrent_activation": unless(gate, "sigmoid")}
    if kind == "LSTM":
        return called("rnn.LSTMCell", cell.units, input_size=call.shape[-1], **options)
    options["reset_after"] = unless(cell.reset_after, True)
    return called(call.helper("GRUCell"), cell.units, input_size=call.shape[-1], **options)


def _act_type(function: Any) -> str:
    found = argument(function)
    if found is None:
        name = activations.serialize(function)
        raise Refused(f"activation={name!r}, which cells of Gluon do not have")
    return found


@layer(*_KINDS, layers.RNN, layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
def recurrent(m: Any, call: Any) -> str:
    kind = _KINDS.get(type(m))
    if kind is not None:
        state = call.scope.state()
        try:
            return _written(call, kind, m, [m])
        except Refused as reason:
            call.scope.restore(state)
            if "which cells of Gluon do not have" not in str(reason):
                raise
    text = _by_steps(m, call)
    if m.return_state and isinstance(m.cell, layers.StackedRNNCells):
        y, _, states = text.partition(", ")
        return text if m.return_sequences else f"{call.helper('last')}(F, {y}), {states}"
    if m.return_state:
        return _with_states(m, call, text)
    return f"{text}[0]" if m.return_sequences else f"{call.helper('last')}(F, {text}[0])"


def _by_steps(m: Any, call: Any) -> str:
    """A loop over the moments with the layer's own cell, or one for each of its cells."""
    x = f"F.flip({call.plain()}, axis=1)" if m.go_backwards else call.plain()
    if not isinstance(m.cell, layers.StackedRNNCells):
        return _loop(m, call, m, step_of(m, call), x, initial_states(call))
    if call.mask() and m.go_backwards:
        raise Refused("several cells that go backwards, with a mask")
    steps = steps_of(m, call)

    def called_(i: int, before: str, begin: list[str]) -> str:
        text = _loop(m, call, m.cell.cells[i], steps[i], before or x, begin)
        return f"{call.helper('with_states')}(F, {text})" if m.return_state else text

    return one_on_the_other(m, call, steps, called_)


def _loop(m: Any, call: Any, owner: Any, step: Any, x: str, given: list[str]) -> str:
    me, mask = call.scope.child(owner, step.made, step.weights), call.mask()
    if not given:
        zeros = call.helper("zeros")
        given = [f"{zeros}(F, {call.plain()}, {size})" for size in step.sizes]
    states = f"[{', '.join(given)}]"
    if not mask:
        return f"{call.helper('stepped')}(F, {me}, {x}, {states})"
    if m.zero_output_for_mask and call.rank > 3:
        raise Refused("images with a mask, whose outputs are zero there")
    mask = f"F.flip({mask}, axis=1)" if m.go_backwards else mask
    more = ", zeros=True" if m.zero_output_for_mask else ""
    cell = f"{call.helper('as_cell')}({me})"
    return f"{call.helper('masked')}(F, {cell}, {x}, {mask}, {states}{more})"


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = [m.forward_layer, m.backward_layer]
    kinds = {_KINDS.get(type(one)) for one in both}
    if len(kinds) > 1 or None in kinds:
        raise Refused("a bidirectional layer of other layers than LSTM, GRU and SimpleRNN")
    return _written(call, str(kinds.pop()), m, both, m.merge_mode)

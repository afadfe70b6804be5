"""LSTM, GRU and simple recurrence, in one direction or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import activations, layers
from unidl.port.errors import Refused
from unidl.port.source.rules import called
from unidl.port.weight_rules import gates, transposed
from unidl_mxnet.port.source.rules import RULES, layer

_UPDATE_FIRST = (1, 0, 2)  # Gluon's GRU has the reset gate first
_KINDS = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}


def _check(m: Any, cell: Any, kind: str) -> None:
    name = activations.serialize(cell.activation)
    if name not in (("tanh", "relu") if kind == "RNN" else ("tanh",)):
        raise Refused(f"activation={name!r}, which Gluon's {kind} does not have")
    gate = getattr(cell, "recurrent_activation", None)
    if gate is not None and activations.serialize(gate) != "sigmoid":
        raise Refused("another recurrent_activation than sigmoid")
    if cell.dropout or cell.recurrent_dropout:
        raise Refused("dropout within the recurrence")
    if m.stateful:
        raise Refused("stateful=True")
    if kind == "GRU" and not cell.reset_after:
        raise Refused("reset_after=False, which Gluon's GRU does not have")
    if kind != "LSTM" and not m.trainable:
        # Their kernels leave something in the gradient of the weights that those of inputs need.
        raise Refused(f"a frozen {kind}: the gradients of its inputs are wrong in MXNet")


def _weights_of(cell: Any, kind: str, direction: str, both: bool) -> tuple[list, list]:
    """(weights, biases that stay 0), by their names in files and as attributes."""
    inside = f"_unfused.0.{direction}_cell." if both else "_unfused.0."
    kernel = transposed(1, 0)
    if kind == "GRU":
        kernel = gates(*_UPDATE_FIRST).then(kernel)
    found = [
        (f"{inside}i2h_weight", cell.kernel, kernel),
        (f"{inside}h2h_weight", cell.recurrent_kernel, kernel),
    ]
    names = (f"{inside}i2h_bias", f"{inside}h2h_bias")
    if kind == "GRU" and cell.use_bias:
        return [*found, (names, cell.bias, gates(*_UPDATE_FIRST, axis=1))], []
    zeros = np.zeros(cell.kernel.shape[1], cell.kernel.dtype)
    # One bias is trained alone, as in unidl: Gluon would move their sum twice as far.
    still = [f"{direction}0_h2h_bias"]
    if cell.use_bias:
        return [*found, (names[0], cell.bias), (names[1], zeros)], still
    return [*found, (names[0], zeros), (names[1], zeros)], [f"{direction}0_i2h_bias", *still]


def _written(call: Any, kind: str, m: Any, both: list, merge: Any = "") -> str:
    cells = [getattr(one, "cell", one) for one in both]
    for one, cell in zip(both, cells, strict=True):
        _check(one, cell, kind)
    cell, count = cells[0], len(both)
    made = called(
        f"rnn.{kind}", cell.units, layout="NTC", input_size=call.shape[-1],
        activation=activations.serialize(cell.activation) if kind == "RNN" else None,
        bidirectional=True if count > 1 else None,
    )  # fmt: skip
    weights, after = [], []
    for direction, one in zip("lr", cells, strict=False):
        mine, still = _weights_of(one, kind, direction, count > 1)
        weights += mine
        after += [f'{name}.grad_req = "null"  # stays 0' for name in still]
    me = call.child(made, *weights, after=tuple(after))
    x = call.plain()
    if count == 1 and both[0].go_backwards:
        x = f"F.flip({x}, axis=1)"
    return _results(call, me, x, m, cell.units, count, merge, kind)


def _results(
    call: Any, me: str, x: str, m: Any, units: int, count: int, merge: Any, kind: str
) -> str:
    """What of (sequence, states) the layer returns."""
    if merge not in ("", "concat"):
        raise Refused(f"merge_mode={merge!r}")
    if m.return_state and merge:
        raise Refused("return_state=True of a bidirectional layer")
    given = [call.plain(i) for i in range(1, len(call.node.inputs))]
    if given and merge:
        raise Refused("initial states of a bidirectional layer")
    if not given and not m.return_state and not merge:
        return f"{me}({x})" if m.return_sequences else f"{call.helper('last')}(F, {me}({x}))"
    if merge:
        if m.return_sequences:
            return f"{me}({x})"
        return f"{call.helper('both_ends')}(F, {me}({x}))"
    if given:
        states = f"[{', '.join(f'F.expand_dims({s}, axis=0)' for s in given)}]"
    else:
        zeros = f"{call.helper('zero_states')}(F, {x}, {units})"
        states = f"[{zeros}] * 2" if kind == "LSTM" else f"[{zeros}]"
    if not m.return_state:
        y = f"{me}({x}, {states})[0]"
        return y if m.return_sequences else f"{call.helper('last')}(F, {y})"
    call.comment = "(sequence, states)" if m.return_sequences else "(last output, states)"
    more = "" if m.return_sequences else ", is_last=True"
    return f"{call.helper('with_states')}(F, {me}({x}, {states}){more})"


def _recurrent_rule(kind: str) -> Any:
    return lambda m, call: _written(call, kind, m, [m])


for _class, _kind in _KINDS.items():
    RULES[_class] = _recurrent_rule(_kind)


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = [m.forward_layer, m.backward_layer]
    kinds = {_KINDS.get(type(one)) for one in both}
    if len(kinds) > 1 or None in kinds:
        raise Refused("a bidirectional layer of other layers than LSTM, GRU and SimpleRNN")
    return _written(call, str(kinds.pop()), m, both, m.merge_mode)

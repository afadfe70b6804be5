"""LSTM, GRU and simple recurrence, in one direction or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import activations, layers
from unidl.port.errors import Refused
from unidl.port.source import rules
from unidl.port.weight_rules import gates, transposed
from unidl_torch.port.source.rules import RULES, called, layer, unless

_UPDATE_FIRST = (1, 0, 2)  # torch's GRU has the reset gate first


def _check_recurrent(m: Any, cell: Any, kind: str) -> None:
    usual = {"LSTM": "tanh", "GRU": "tanh"}.get(kind)
    name = activations.serialize(cell.activation)
    if (usual and name != usual) or (kind == "RNN" and name not in ("tanh", "relu")):
        raise Refused(f"activation={name!r}, which torch's {kind} does not have")
    gate = getattr(cell, "recurrent_activation", None)
    if gate is not None and activations.serialize(gate) != "sigmoid":
        raise Refused("another recurrent_activation than sigmoid")
    if cell.dropout or cell.recurrent_dropout:
        raise Refused("dropout within the recurrence")
    if m.stateful:
        raise Refused("stateful=True")
    if kind == "GRU" and not cell.reset_after:
        raise Refused("reset_after=False, which torch's GRU does not have")


def _weights_of(cell: Any, kind: str, suffix: str) -> tuple[list, list]:
    """(weights, biases that stay 0)."""
    kernel = transposed(1, 0)
    if kind == "GRU":
        kernel = gates(*_UPDATE_FIRST).then(kernel)
    found = [
        (f"weight_ih_l0{suffix}", cell.kernel, kernel),
        (f"weight_hh_l0{suffix}", cell.recurrent_kernel, kernel),
    ]
    if not cell.use_bias:
        return found, []
    names = (f"bias_ih_l0{suffix}", f"bias_hh_l0{suffix}")
    if kind == "GRU":
        return [*found, (names, cell.bias, gates(*_UPDATE_FIRST, axis=1))], []
    # Trained alone, as in unidl: torch would move their sum twice as far.
    return [*found, (names[0], cell.bias)], [names[1]]


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
        mine, still = _weights_of(one, kind, suffix)
        weights += mine
        weights += [(name, np.zeros(one.bias.shape, "float32")) for name in still]
        zero += [f"{name}.requires_grad_(False)  # the other bias is all" for name in still]
    me = call.child(made, *weights, after=tuple(zero))
    x = call.plain()
    if len(both) == 1 and both[0].go_backwards:
        x = f"torch.flip({x}, [1])"
    return _results(call, f"{me}({', '.join([x, *_initial(call, len(both))])})", m, merge)


def _initial(call: Any, directions: int) -> list[str]:
    """The states at the beginning, if they are given."""
    states = rules.initial_states(call)
    if not states:
        return []
    if directions > 1:
        raise Refused("initial states of a bidirectional layer")
    given = [f"{state}.unsqueeze(0)" for state in states]
    return [given[0] if len(given) == 1 else f"({', '.join(given)})"]


def _results(call: Any, text: str, m: Any, merge: Any) -> str:
    """What of (sequence, states) the layer returns."""
    if merge not in ("", "concat"):
        raise Refused(f"merge_mode={merge!r}")
    if m.return_state:
        if merge:
            raise Refused("return_state=True of a bidirectional layer")
        call.comment = "(sequence, states)" if m.return_sequences else "(last output, states)"
        last = "" if m.return_sequences else ", last=True"
        return f"{call.helper('with_states')}({text}{last})"
    if m.return_sequences:
        return f"{text}[0]"
    if merge:
        return f"{call.helper('both_ends')}({text})"
    return f"{text}[0][:, -1]"


def _recurrent_rule(kind: str) -> Any:
    return lambda m, call: _written(call, kind, m, [m])


_KINDS = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}
for _class, _kind in _KINDS.items():
    RULES[_class] = _recurrent_rule(_kind)


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = [m.forward_layer, m.backward_layer]
    kinds = {_KINDS.get(type(one)) for one in both}
    if len(kinds) > 1 or None in kinds:
        raise Refused("a bidirectional layer of other layers than LSTM, GRU and SimpleRNN")
    return _written(call, str(kinds.pop()), m, both, m.merge_mode)

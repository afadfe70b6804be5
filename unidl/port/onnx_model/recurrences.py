"""LSTM, GRU and RNN: a layer for each direction."""

from __future__ import annotations

import numpy as np

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.onnx_model.call import AsItIsRun, makes
from unidl.port.weight_rules import Rule, gates, transposed

_FIRST = Rule(lambda x: x[0], lambda x: x[None])
# ONNX has the output gate second, Keras last.
_LSTM = (0, 2, 3, 1)
_HALVES = Rule(lambda x: np.add(*np.split(x, 2)), lambda x: np.concatenate([x, np.zeros_like(x)]))
_ROWS = Rule(lambda x: x.reshape(2, -1), lambda x: x.reshape(-1))


@makes("LSTM")
def lstm(call):
    if call.input(7) is not None:  # peepholes
        raise AsItIsRun
    _require(call, ["Sigmoid", "Tanh", "Tanh"])
    kernel = gates(*_LSTM).then(transposed(1, 0))
    return _directions(call, layers.LSTM, {}, kernel, _HALVES.then(gates(*_LSTM)), states=(5, 6))


@makes("GRU")
def gru(call):
    _require(call, ["Sigmoid", "Tanh"])
    after = bool(call["linear_before_reset"])
    bias = _ROWS if after else _HALVES
    return _directions(
        call, layers.GRU, {"reset_after": after}, transposed(1, 0), bias, states=(5,)
    )


@makes("RNN")
def simple_rnn(call):
    relu = [a.lower() for a in call["activations"] or []][:1] == ["relu"]
    _require(call, ["Relu" if relu else "Tanh"])
    options = {"activation": "relu" if relu else "tanh"}
    return _directions(call, layers.SimpleRNN, options, transposed(1, 0), _HALVES, states=(5,))


def _require(call, activations):
    """Keras' activations, and all sequences as long as the batch."""
    call.require_own_weights(1, 2, 3)
    given = [a.lower() for a in call["activations"] or []]
    wanted = [a.lower() for a in activations]
    if given and given not in (wanted, wanted * 2):
        raise Refused(f"its activations are {call['activations']}, and may be {activations}")
    if call["clip"]:
        raise Refused("clip")
    if call.input(4) is not None:
        time = call.tensor().shape[1 if call["layout"] else 0]
        if set(np.ravel(call.constant(4))) != {time}:
            raise Refused("sequences of different lengths")


def _directions(call, kind, options, kernel, bias, states):
    x, place = call.tensor().first(), 1 if call["layout"] else 0
    x = x if call["layout"] else ops.transpose(x, (1, 0, 2))
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
    results, ways = [], backwards[call["direction"]]
    name, has_bias = call.called(), call.input(3) is not None
    for i, back in enumerate(ways):
        layer = kind(
            call["hidden_size"], return_sequences=True, return_state=True, go_backwards=back,
            use_bias=has_bias, name=f"{name}.{i}" if len(ways) > 1 else name, **options,
        )  # fmt: skip
        start = [_state(call, s, i, place) for s in states if _is_given(call, s)]
        if start and len(start) < len(states):
            raise AsItIsRun
        y, *last = layer(x, initial_state=start) if start else layer(x)
        results.append((ops.flip(y, axis=1) if back else y, *last))
        block, first = (i, len(ways)), _FIRST
        call.weight(1, lambda o=layer: o.cell.kernel, first.then(kernel), block)
        call.weight(2, lambda o=layer: o.cell.recurrent_kernel, first.then(kernel), block)
        call.weight(3, lambda o=layer: o.cell.bias, first.then(bias), block)
    if has_bias and bias is not _ROWS:
        call.build.halved.add(call.inputs[3].name)
    ys, *lasts = zip(*results, strict=True)
    y = ops.stack(list(ys), 2)
    y = y if call["layout"] else ops.transpose(y, (1, 2, 0, 3))
    return (Laid(y), *(Laid(ops.stack(list(last), place)) for last in lasts))


def _is_given(call, i):
    """Whether there is a first state; exporters write zeros."""
    given, sizes = call.input(i), call.build.sizes
    if given is None:
        return False
    if call.node.inputs[i] in sizes.varying:
        return sizes.number_in(call.node.inputs[i]) != 0
    return isinstance(given, Laid) or call.constant(i).any()


def _state(call, i, direction, place):
    given = call.input(i)
    state = given.first() if isinstance(given, Laid) else call.constant(i)
    return ops.get_item(state, (slice(None),) * place + (direction,))

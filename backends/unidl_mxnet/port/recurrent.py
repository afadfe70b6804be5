"""The layers of gluon.rnn: one operator, whose weights come as one long vector."""

from __future__ import annotations

from dataclasses import dataclass

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.weight_rules import added, gates, transposed
from unidl_mxnet.port.operators import HANDLERS, Parameter, operator

_UPDATE_FIRST = (1, 0, 2)  # MXNet's GRU has the reset gate first


@dataclass(frozen=True)
class Flat:
    """Parameters as one vector, in this order."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Zeros:
    """A state to begin with."""


_reshape = HANDLERS["Reshape"]


@operator("Reshape", "reshape")
def reshape(call):
    if isinstance(call.inputs[0], Parameter) and call.get("shape") in (-1, (-1,)):
        return Flat((call.inputs[0].name,))
    return _reshape(call)


@operator("_rnn_param_concat")
def concatenated(call):
    if not all(isinstance(x, Flat) for x in call.inputs):
        raise Refused("weights of a recurrent layer that are computed from others")
    return Flat(tuple(name for x in call.inputs for name in x.names))


@operator("_zeros")
def zeros(call):
    return Zeros()


_MODES = {
    "lstm": (layers.LSTM, {}),
    "gru": (layers.GRU, {}),
    "rnn_tanh": (layers.SimpleRNN, {"activation": "tanh"}),
    "rnn_relu": (layers.SimpleRNN, {"activation": "relu"}),
}


@operator("RNN")
def rnn(call):
    """(time, batch, features), parameters, states -> outputs, last states."""
    if call.get("projection_size") is not None or call.get("use_sequence_length", False):
        raise Refused("projection_size or use_sequence_length")
    if call.get("lstm_state_clip_min") is not None or call.get("lstm_state_clip_max") is not None:
        raise Refused("lstm_state_clip_min or lstm_state_clip_max")
    flat, states = call.inputs[1], call.inputs[2:]
    if not isinstance(flat, Flat):
        raise Refused("its weights come from elsewhere")
    kind, options = _MODES[call.get("mode")]
    kernel, bias = transposed(1, 0), added
    if kind is layers.GRU:
        kernel = gates(*_UPDATE_FIRST).then(kernel)
        bias = gates(*_UPDATE_FIRST, axis=1)
    else:
        call.warn(f"{call.name}: the two biases of each gate are trained as their sum")
    given = None if all(isinstance(x, Zeros) for x in states) else [x.first() for x in states]
    ways = 2 if call.get("bidirectional", False) else 1
    count, size = call.get("num_layers"), call.get("state_size")
    half = len(flat.names) // 2  # the kernels, and the biases behind them
    x, last = ops.transpose(call.tensor().first(), (1, 0, 2)), []
    for i in range(count):
        outputs = []
        for way in range(ways):
            at = 2 * (i * ways + way)
            layer = kind(
                size, return_sequences=True, return_state=True, go_backwards=bool(way),
                name=f"{call.name}.{i}{'_reverse' if way else ''}", **options,
            )  # fmt: skip
            begin = None if given is None else [state[i * ways + way] for state in given]
            y, *after = layer(x, initial_state=begin)
            outputs.append(ops.flip(y, axis=1) if way else y)
            last.append(after)
            _bind(call, layer, flat.names[at : at + 2], flat.names[half + at : half + at + 2],
                  kernel, bias)  # fmt: skip
        x = outputs[0] if ways == 1 else layers.Concatenate()(outputs)
        if call.get("p", 0) and i < count - 1:
            x = layers.Dropout(call.get("p"), name=f"{call.name}.{i}.dropout")(x)
    ends = [Laid(ops.stack(parts, axis=0)) for parts in zip(*last, strict=True)]
    return (Laid(ops.transpose(x, (1, 0, 2))), *ends)


def _bind(call, layer, kernels, biases, kernel, bias):
    cell = getattr(layer, "cell", layer)
    call.bind(((kernels[0],), lambda: cell.kernel, kernel))
    call.bind(((kernels[1],), lambda: cell.recurrent_kernel, kernel))
    call.bind((tuple(biases), lambda: cell.bias, bias))

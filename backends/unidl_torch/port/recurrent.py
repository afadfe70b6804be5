"""LSTM, GRU and RNN: stacks of layers, in one direction or both."""

from __future__ import annotations

from torch import nn

from unidl import layers, ops
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.weight_rules import added, gates, transposed
from unidl_torch.port.pieces import Piece, piece

_UPDATE_FIRST = (1, 0, 2)  # torch's GRU has the reset gate first


@piece(nn.LSTM)
def lstm(m, name):
    if m.proj_size:
        raise Refused(f"proj_size={m.proj_size}")
    return _stack(m, name, layers.LSTM, transposed(1, 0), added, {})


@piece(nn.GRU)
def gru(m, name):
    kernel = gates(*_UPDATE_FIRST).then(transposed(1, 0))
    return _stack(m, name, layers.GRU, kernel, gates(*_UPDATE_FIRST, axis=1), {})


@piece(nn.RNN)
def simple_rnn(m, name):
    options = {"activation": m.nonlinearity}
    return _stack(m, name, layers.SimpleRNN, transposed(1, 0), added, options)


def _stack(m, name, kind, kernel, bias, options):
    found = Piece(lambda *inputs: _applied(m, name, stack, *inputs))
    stack = []
    for i in range(m.num_layers):
        both = []
        for suffix in ("", "_reverse")[: 1 + m.bidirectional]:
            layer = kind(
                m.hidden_size, return_sequences=True, return_state=True, use_bias=m.bias,
                go_backwards=bool(suffix), name=f"{name}.{i}{suffix}", **options,
            )  # fmt: skip
            both.append(layer)
            found.add(f"weight_ih_l{i}{suffix}", lambda o=layer: _cell(o).kernel, kernel)
            found.add(f"weight_hh_l{i}{suffix}", lambda o=layer: _cell(o).recurrent_kernel, kernel)
            if m.bias:
                names = (f"bias_ih_l{i}{suffix}", f"bias_hh_l{i}{suffix}")
                found.add(names, lambda o=layer: _cell(o).bias, bias)
        stack.append(both)
    if m.bias and bias is added:
        found.warnings.append(f"{name}: the two biases of each gate are trained as their sum")
    return found


def _cell(layer):
    return getattr(layer, "cell", layer)


def _applied(m, name, stack, x, state=None):
    x = x.first()
    if len(x.shape) != 3:
        raise Refused("inputs without a batch")
    if state is not None:  # one tensor, or a pair, with a row for each layer and direction
        rows = state if isinstance(state, (tuple, list)) else (state,)
        rows = [each.first() for each in rows]
    if not m.batch_first:
        x = ops.transpose(x, (1, 0, 2))
    states = []
    for i, both in enumerate(stack):
        outputs = []
        for layer in both:
            given = None if state is None else [each[len(states)] for each in rows]
            y, *last = layer(x, initial_state=given)
            outputs.append(ops.flip(y, axis=1) if layer.go_backwards else y)
            states.append(last)
        x = outputs[0] if len(outputs) == 1 else layers.Concatenate()(outputs)
        if m.dropout and i < len(stack) - 1:
            x = layers.Dropout(m.dropout, name=f"{name}.{i}.dropout")(x)
    last = [Laid(ops.stack(parts, axis=0)) for parts in zip(*states, strict=True)]
    y = Laid(x if m.batch_first else ops.transpose(x, (1, 0, 2)))
    return y, tuple(last) if len(last) > 1 else last[0]

"""LSTM, GRU and RNN over whole sequences.

ONNX has (directions, gates * units, inputs) kernels, time first unless `layout` is 1. What differs
from Keras' cells, peepholes and a reset gate that acts before the product, is a loop of its own.
"""

from __future__ import annotations

from unidl import ops
from unidl.ops import fused
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import ints


@handles("LSTM")
def lstm(node, x, w, r, b=None, lengths=None, h=None, c=None, p=None):
    """Gates i, o, f, c; with peepholes p the gates see the cell, too."""
    _check(node, x, lengths, ["Sigmoid", "Tanh", "Tanh"])

    def one(x, i, reverse, h, c):
        kernel, recurrent = (
            ops.transpose(_gates(ops.get_item(m, i), (0, 2, 3, 1))) for m in (w, r)
        )
        bias = None
        if b is not None:
            both = ops.split(ops.get_item(b, i), 2)
            bias = _gates(ops.add(*both), (0, 2, 3, 1))
        if p is None:
            return fused.lstm(x, h, c, kernel, recurrent, bias, reverse)
        return _peeping(x, h, c, kernel, recurrent, bias, ops.split(ops.get_item(p, i), 3), reverse)

    return _directions(node, x, one, h, c)


def _peeping(x, h, c, kernel, recurrent, bias, peep, reverse):
    z = ops.matmul(x, kernel)
    z = z if bias is None else ops.add(z, bias)
    peep_i, peep_o, peep_f = peep

    def step(state, moment):
        h, c = state
        i, f, g, o = ops.split(ops.add(moment[0], ops.matmul(h, recurrent)), 4, -1)
        i, f = (
            ops.sigmoid(ops.add(i, ops.multiply(peep_i, c))),
            ops.sigmoid(ops.add(f, ops.multiply(peep_f, c))),
        )
        c = ops.add(ops.multiply(f, c), ops.multiply(i, ops.tanh(g)))
        h = ops.multiply(ops.sigmoid(ops.add(o, ops.multiply(peep_o, c))), ops.tanh(c))
        return (h, c), h

    (h, c), ys = fused.scan(step, (h, c), (ops.swapaxes(z, 0, 1),), reverse)
    return ops.swapaxes(ys, 0, 1), h, c


@handles("GRU")
def gru(node, x, w, r, b=None, lengths=None, h=None):
    """Gates z, r, h."""
    _check(node, x, lengths, ["Sigmoid", "Tanh"])

    def one(x, i, reverse, h):
        kernel, recurrent = (ops.transpose(ops.get_item(m, i)) for m in (w, r))
        bias = None if b is None else ops.reshape(ops.get_item(b, i), (2, -1))
        if node["linear_before_reset"]:
            return fused.gru(x, h, kernel, recurrent, bias, reverse)
        return _reset_first(x, h, kernel, recurrent, bias, reverse)

    return _directions(node, x, one, h)


def _reset_first(x, h, kernel, recurrent, bias, reverse):
    units = ops.shape(h)[-1]
    z = ops.matmul(x, kernel)
    z = z if bias is None else ops.add(z, ops.sum(bias, 0))
    gates, candidate = ops.split(recurrent, [2 * units], -1)

    def step(state, moment):
        (h,) = state
        x_gates, x_candidate = ops.split(moment[0], [2 * units], -1)
        update, reset = ops.split(ops.sigmoid(ops.add(x_gates, ops.matmul(h, gates))), 2, -1)
        new = ops.tanh(ops.add(x_candidate, ops.matmul(ops.multiply(reset, h), candidate)))
        h = ops.add(ops.multiply(update, h), ops.multiply(ops.subtract(1.0, update), new))
        return (h,), h

    (h,), ys = fused.scan(step, (h,), (ops.swapaxes(z, 0, 1),), reverse)
    return ops.swapaxes(ys, 0, 1), h


@handles("RNN")
def rnn(node, x, w, r, b=None, lengths=None, h=None):
    """f(x W + h R + b), where f is tanh or relu."""
    names = {name.lower() for name in node["activations"] or ["Tanh"]}
    _check(node, x, lengths, ["Relu" if names == {"relu"} else "Tanh"])
    activation = ops.relu if names == {"relu"} else ops.tanh

    def one(x, i, reverse, h):
        z = ops.matmul(x, ops.transpose(ops.get_item(w, i)))
        z = z if b is None else ops.add(z, ops.add(*ops.split(ops.get_item(b, i), 2)))
        recurrent = ops.transpose(ops.get_item(r, i))

        def step(state, moment):
            h = activation(ops.add(moment[0], ops.matmul(state[0], recurrent)))
            return (h,), h

        (h,), ys = fused.scan(step, (h,), (ops.swapaxes(z, 0, 1),), reverse)
        return ops.swapaxes(ys, 0, 1), h

    return _directions(node, x, one, h)


def _gates(matrix, order):
    """The four gates along the first axis in another order."""
    parts = ops.split(matrix, 4)
    return ops.concatenate([parts[i] for i in order], 0)


def _check(node, x, lengths, activations):
    count = len(activations) * (2 if node["direction"] == "bidirectional" else 1)
    given = [name.lower() for name in (node["activations"] or activations * 2)[:count]]
    if given != [name.lower() for name in activations * (count // len(activations))]:
        raise node.unsupported(f"the activations must be {activations}, got {node['activations']}.")
    if node["clip"]:
        raise node.unsupported("clip is not supported.")
    time = ops.shape(x)[1 if node["layout"] else 0]
    if lengths is not None and set(ints(lengths)) != {time}:
        raise node.unsupported(
            f"sequences of different lengths in one batch are not supported, got {ints(lengths)} "
            f"of {time}."
        )


def _directions(node, x, one, *states):
    """(outputs, *last states) of one or two directions: `one(x (n, t, d), number, reverse,
    *states)` runs one."""
    x = x if node["layout"] else ops.swapaxes(x, 0, 1)
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[
        node["direction"]
    ]
    place = 1 if node["layout"] else 0
    results = []
    for i, reverse in enumerate(backwards):
        start = [_state(node, x, s, i, place) for s in states]
        results.append(one(x, i, reverse, *start))
    ys, *lasts = zip(*results, strict=True)
    # (n, t, directions, u), or (t, directions, n, u).
    y = ops.stack(list(ys), 2)
    y = y if node["layout"] else ops.transpose(y, (1, 2, 0, 3))
    return (y, *(ops.stack(list(last), place) for last in lasts))


def _state(node, x, state, i, place):
    if state is None:
        return ops.zeros((ops.shape(x)[0], node["hidden_size"]), ops.dtype(x))
    return ops.get_item(state, (slice(None),) * place + (i,))

"""Loops over time, LSTM, GRU and the simple RNN."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, normal


def _recurrent(
    name, label, n, t, d, u, bias=True, reverse=False, activation=None, std=0.5, **options
):
    gates, states = {"lstm": (4, ("h", "c")), "gru": (3, ("h",)), "simple_rnn": (1, ("h",))}[name]
    inputs = {"x": normal(n, t, d)} | {s: normal(n, u) for s in states}
    inputs |= {
        "kernel": normal(d, gates * u, std=std),
        "recurrent_kernel": normal(u, gates * u, std=std),
    }
    if bias:
        inputs["bias"] = normal(2, gates * u) if name == "gru" else normal(gates * u)

    def call(B, *arguments):
        arguments = arguments if bias else (*arguments, None)
        return getattr(B, name)(
            *arguments, reverse=reverse, **({"activation": activation} if activation else {})
        )

    return Case(name, label, call, inputs, **options)


WHOLE = [
    case
    for name in ("lstm", "gru", "simple_rnn")
    for case in (
        _recurrent(name, "", 3, 5, 4, 2),
        _recurrent(name, "reverse", 3, 5, 4, 2, reverse=True),
        _recurrent(name, "no bias", 2, 4, 3, 3, bias=False),
        _recurrent(name, "no bias, reverse", 2, 4, 3, 3, bias=False, reverse=True),
        _recurrent(name, "one step", 2, 1, 3, 2),
        _recurrent(name, "batch of one, one unit", 1, 4, 3, 1),
        _recurrent(name, "long", 2, 30, 3, 4, std=0.3),
        _recurrent(name, "saturated", 2, 4, 3, 3, std=8.0),
        _recurrent(name, "more units than inputs", 2, 3, 1, 5),
    )
]
WHOLE += [
    _recurrent("simple_rnn", "relu", 3, 5, 4, 2, activation="relu"),
    _recurrent(
        "simple_rnn",
        "relu, no bias, reverse",
        2,
        4,
        3,
        3,
        activation="relu",
        bias=False,
        reverse=True,
    ),
]


def _scan(B, h, x, reverse=False):
    def step(state, moment):
        new = B.tanh(B.add(B.multiply(state[0], 0.5), moment[0]))
        return (new,), B.multiply(new, moment[0])

    (last,), ys = B.scan(step, (h,), (x,), reverse)
    return last, ys


def _scan_two(B, a, b, x, y):
    """Two states and two inputs of different shapes; the output is not a state."""

    def step(state, moment):
        a, b = state
        a = B.add(B.multiply(a, 0.9), moment[0])
        b = B.add(b, B.sum(B.multiply(a, moment[1]), -1))
        return (a, b), B.subtract(B.expand_dims(b, -1), a)

    (a, b), out = B.scan(step, (a, b), (x, y))
    return a, b, out


SCAN = [
    Case("scan", "", _scan, {"h": normal(2, 3), "x": normal(5, 2, 3)}),
    Case(
        "scan",
        "reverse",
        lambda B, h, x: _scan(B, h, x, True),
        {"h": normal(2, 3), "x": normal(5, 2, 3)},
    ),
    Case("scan", "one moment", _scan, {"h": normal(2, 3), "x": normal(1, 2, 3)}),
    Case(
        "scan",
        "two states and inputs",
        _scan_two,
        {"a": normal(2, 3), "b": normal(2), "x": normal(4, 2, 3), "y": normal(4, 2, 3)},
    ),
    Case(
        "scan",
        "integers count",
        lambda B, n, x: B.scan(lambda s, m: ((B.add(s[0], m[0]),), s[0]), (n,), (x,))[1],
        {"n": np.array(1, "int32"), "x": np.arange(5, dtype="int32")},
    ),
]

CASES = [*WHOLE, *SCAN]

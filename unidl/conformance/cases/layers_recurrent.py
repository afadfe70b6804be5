"""Recurrent layers beside the LSTM."""

from __future__ import annotations

import numpy as np

from unidl import layers as L
from unidl.conformance.cases.layer_rows import HOLES, LayerCase, normal

BOTH = {"return_sequences": True, "return_state": True}
X = normal((4, 5, 3))
H = np.random.default_rng(7).normal(size=(4, 2))


def _gru():
    before = {"reset_after": False}
    yield LayerCase("GRU", lambda: L.GRU(2), X)
    yield LayerCase("GRU, sequences, state", lambda: L.GRU(2, **BOTH), X)
    yield LayerCase(
        "GRU, backwards, initial state",
        lambda: L.GRU(2, go_backwards=True, **BOTH),
        X,
        {"initial_state": [H]},
    )
    yield LayerCase("GRU, no bias", lambda: L.GRU(2, use_bias=False), X)
    yield LayerCase("GRU, mask", lambda: L.GRU(2, **BOTH), X, {"mask": HOLES})
    yield LayerCase(
        "GRU, unrolled, other activations",
        lambda: L.GRU(2, "relu", "hard_sigmoid", unroll=True, **BOTH),
        X,
    )
    yield LayerCase("GRU, stateful", lambda: L.GRU(2, stateful=True), X)
    yield LayerCase("GRU, reset before", lambda: L.GRU(2, **before, **BOTH), X)
    yield LayerCase(
        "GRU, reset before, no bias, mask",
        lambda: L.GRU(2, use_bias=False, **before),
        X,
        {"mask": HOLES},
    )
    yield LayerCase(
        "GRU, dropout", lambda: L.GRU(2, dropout=0.5, seed=1), X, {"training": True}, random=True
    )
    yield LayerCase(
        "GRU, recurrent dropout",
        lambda: L.GRU(2, recurrent_dropout=0.5, seed=1),
        X,
        {"training": True},
        random=True,
    )
    yield LayerCase("GRUCell", lambda: L.GRUCell(2), lambda g: (g.normal(size=(4, 3)), [H]))
    yield LayerCase(
        "GRUCell, no bias",
        lambda: L.GRUCell(2, use_bias=False),
        lambda g: (g.normal(size=(4, 3)), [H]),
    )
    yield LayerCase(
        "GRUCell, reset before",
        lambda: L.GRUCell(2, **before),
        lambda g: (g.normal(size=(4, 3)), [H]),
    )


def _simple():
    yield LayerCase("SimpleRNN", lambda: L.SimpleRNN(2), X)
    yield LayerCase(
        "SimpleRNN, all, mask",
        lambda: L.SimpleRNN(2, zero_output_for_mask=True, **BOTH),
        X,
        {"mask": HOLES},
    )
    yield LayerCase(
        "SimpleRNN, backwards",
        lambda: L.SimpleRNN(2, "relu", False, go_backwards=True, **BOTH),
        X,
        {"initial_state": [H]},
    )
    yield LayerCase("SimpleRNN, unrolled", lambda: L.SimpleRNN(2, unroll=True), normal((1, 2, 3)))
    yield LayerCase(
        "SimpleRNN, dropout",
        lambda: L.SimpleRNN(2, dropout=0.3, recurrent_dropout=0.5, seed=1),
        X,
        {"training": True},
        random=True,
    )
    yield LayerCase("SimpleRNN, relu, all", lambda: L.SimpleRNN(2, "relu", **BOTH), X)
    yield LayerCase("SimpleRNN, sigmoid", lambda: L.SimpleRNN(2, "sigmoid", stateful=True), X)
    yield LayerCase("SimpleRNN, empty batch", lambda: L.SimpleRNN(2, **BOTH), normal((0, 5, 3)))
    yield LayerCase(
        "SimpleRNNCell", lambda: L.SimpleRNNCell(2), lambda g: (g.normal(size=(4, 3)), [H])
    )
    yield LayerCase(
        "SimpleRNNCell, no bias",
        lambda: L.SimpleRNNCell(2, None, False),
        lambda g: (g.normal(size=(4, 3)), [H]),
    )
    yield LayerCase(
        "SimpleRNNCell, relu",
        lambda: L.SimpleRNNCell(2, "relu"),
        lambda g: (g.normal(size=(4, 3)), [H]),
    )


def _wrapped():
    many = {"return_sequences": True}
    for mode in ("concat", "sum", "mul", "ave", None):
        yield LayerCase(
            f"Bidirectional, {mode}", lambda m=mode: L.Bidirectional(L.LSTM(2, **many), m), X
        )
    yield LayerCase("Bidirectional, last", lambda: L.Bidirectional(L.GRU(2)), X)
    yield LayerCase(
        "Bidirectional, mask, state", lambda: L.Bidirectional(L.GRU(2, **BOTH)), X, {"mask": HOLES}
    )
    yield LayerCase(
        "Bidirectional, initial state",
        lambda: L.Bidirectional(L.SimpleRNN(2, **BOTH), "sum"),
        X,
        {"initial_state": [H, H + 1]},
    )
    yield LayerCase(
        "Bidirectional, two layers",
        lambda: L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(3, go_backwards=True)),
        X,
    )
    yield LayerCase(
        "TimeDistributed",
        lambda: L.TimeDistributed(L.Dense(2, activation="tanh")),
        normal((2, 3, 4)),
    )
    yield LayerCase(
        "TimeDistributed, images",
        lambda: L.TimeDistributed(L.Conv2D(2, 2)),
        normal((2, 2, 3, 4, 1)),
    )
    yield LayerCase(
        "TimeDistributed, one moment", lambda: L.TimeDistributed(L.Flatten()), normal((2, 1, 3, 2))
    )


def _stacked():
    def both():
        return [L.LSTMCell(3), L.GRUCell(2, reset_after=False)]

    first = [[np.ones((4, 3)), np.full((4, 3), 0.5)], [H]]
    yield LayerCase("RNN, one cell", lambda: L.RNN(L.SimpleRNNCell(2)), X)
    yield LayerCase(
        "RNN, LSTM cell, mask", lambda: L.RNN(L.LSTMCell(2), **BOTH), X, {"mask": HOLES}
    )
    yield LayerCase("RNN, cells", lambda: L.RNN(both(), **BOTH), X)
    yield LayerCase(
        "RNN, cells, mask, backwards",
        lambda: L.RNN(both(), go_backwards=True, **BOTH),
        X,
        {"mask": HOLES},
    )
    yield LayerCase(
        "RNN, cells, mask, zeros",
        lambda: L.RNN(both(), zero_output_for_mask=True, **BOTH),
        X,
        {"mask": HOLES},
    )
    yield LayerCase(
        "RNN, cells, unrolled, initial state",
        lambda: L.RNN(both(), unroll=True),
        X,
        {"initial_state": first},
    )
    yield LayerCase("RNN, cells, stateful", lambda: L.RNN(both(), stateful=True), X)
    yield LayerCase(
        "RNN, cells, one sample, one moment", lambda: L.RNN(both(), **BOTH), normal((1, 1, 3))
    )
    yield LayerCase(
        "RNN, cells, dropout",
        lambda: L.RNN(
            [
                L.LSTMCell(3, dropout=0.4, seed=1),
                L.SimpleRNNCell(2, dropout=0.5, recurrent_dropout=0.5, seed=2),
            ]
        ),
        X,
        {"training": True},
        random=True,
    )
    yield LayerCase(
        "Bidirectional, cells",
        lambda: L.Bidirectional(L.RNN(both(), return_sequences=True), "sum"),
        X,
    )
    yield LayerCase(
        "StackedRNNCells",
        lambda: L.StackedRNNCells(both()),
        lambda g: (g.normal(size=(4, 3)), first),
    )
    yield LayerCase("StackedRNNCells, one sample", lambda: L.StackedRNNCells(both()), _one_sample)
    yield LayerCase(
        "StackedRNNCells, three",
        lambda: L.StackedRNNCells([L.SimpleRNNCell(2) for _ in range(3)]),
        lambda g: (g.normal(size=(4, 3)), [[H]] * 3),
    )


def _one_sample(g):
    return g.normal(size=(1, 3)), [
        [g.normal(size=(1, 3)), g.normal(size=(1, 3))],
        [g.normal(size=(1, 2))],
    ]


def _convolutional():
    line, image = normal((2, 3, 4, 2)), normal((2, 3, 4, 5, 2))
    mask = np.array([[1, 0, 1], [0, 1, 1]], bool)
    grids = [np.random.default_rng(8).normal(size=(2, 3, 3, 2)) for _ in range(2)]
    yield LayerCase("ConvLSTM1D", lambda: L.ConvLSTM1D(2, 2), line)
    yield LayerCase(
        "ConvLSTM1D, same, strides, all",
        lambda: L.ConvLSTM1D(2, 3, strides=2, padding="same", **BOTH),
        line,
    )
    yield LayerCase(
        "ConvLSTM1D, dilation, backwards",
        lambda: L.ConvLSTM1D(2, 2, dilation_rate=2, go_backwards=True, **BOTH),
        line,
    )
    yield LayerCase(
        "ConvLSTM1D, mask",
        lambda: L.ConvLSTM1D(2, 2, zero_output_for_mask=True, **BOTH),
        line,
        {"mask": mask},
    )
    yield LayerCase("ConvLSTM2D", lambda: L.ConvLSTM2D(2, 2), image)
    yield LayerCase(
        "ConvLSTM2D, same, no bias, unrolled",
        lambda: L.ConvLSTM2D(2, (3, 2), padding="same", use_bias=False, unroll=True),
        image,
    )
    yield LayerCase(
        "ConvLSTM2D, mask, initial state",
        lambda: L.ConvLSTM2D(2, (2, 3), **BOTH),
        image,
        {"mask": mask, "initial_state": grids},
    )
    yield LayerCase(
        "ConvLSTM2D, other activations",
        lambda: L.ConvLSTM2D(2, 2, activation="relu", recurrent_activation="hard_sigmoid"),
        image,
    )
    yield LayerCase(
        "ConvLSTM2D, stateful, one moment",
        lambda: L.ConvLSTM2D(2, 1, stateful=True),
        normal((1, 1, 2, 1, 2)),
    )
    yield LayerCase(
        "ConvLSTM2D, channels first",
        lambda: L.ConvLSTM2D(2, 2, data_format="channels_first", **BOTH),
        normal((2, 2, 2, 4, 3)),
    )
    yield LayerCase(
        "ConvLSTM2D, dropout",
        lambda: L.ConvLSTM2D(2, 2, dropout=0.3, recurrent_dropout=0.4, seed=1),
        image,
        {"training": True},
        random=True,
    )
    yield LayerCase("ConvLSTM3D", lambda: L.ConvLSTM3D(2, 2), normal((1, 2, 2, 3, 2, 2)))
    yield LayerCase(
        "ConvLSTM3D, same",
        lambda: L.ConvLSTM3D(1, (1, 2, 3), padding="same", **BOTH),
        normal((1, 2, 2, 2, 3, 1)),
    )
    yield LayerCase(
        "ConvLSTM3D, strides",
        lambda: L.ConvLSTM3D(1, 2, strides=(1, 2, 1), return_state=True),
        normal((1, 2, 2, 4, 2, 1)),
    )


FAMILIES = (_gru, _simple, _wrapped, _stacked, _convolutional)

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
    yield LayerCase("GRU, backwards, initial state", lambda: L.GRU(2, go_backwards=True, **BOTH), X, {"initial_state": [H]})
    yield LayerCase("GRU, no bias", lambda: L.GRU(2, use_bias=False), X)
    yield LayerCase("GRU, mask", lambda: L.GRU(2, **BOTH), X, {"mask": HOLES})
    yield LayerCase("GRU, unrolled, other activations", lambda: L.GRU(2, "relu", "hard_sigmoid", unroll=True, **BOTH), X)
    yield LayerCase("GRU, stateful", lambda: L.GRU(2, stateful=True), X)
    yield LayerCase("GRU, reset before", lambda: L.GRU(2, **before, **BOTH), X)
    yield LayerCase("GRU, reset before, no bias, mask", lambda: L.GRU(2, use_bias=False, **before), X, {"mask": HOLES})
    yield LayerCase("GRU, dropout", lambda: L.GRU(2, dropout=0.5, seed=1), X, {"training": True}, random=True)
    yield LayerCase("GRU, recurrent dropout", lambda: L.GRU(2, recurrent_dropout=0.5, seed=1), X, {"training": True}, random=True)
    yield LayerCase("GRUCell", lambda: L.GRUCell(2), lambda g: (g.normal(size=(4, 3)), [H]))
    yield LayerCase("GRUCell, no bias", lambda: L.GRUCell(2, use_bias=False), lambda g: (g.normal(size=(4, 3)), [H]))
    yield LayerCase("GRUCell, reset before", lambda: L.GRUCell(2, **before), lambda g: (g.normal(size=(4, 3)), [H]))


def _simple():
    yield LayerCase("SimpleRNN", lambda: L.SimpleRNN(2), X)
    yield LayerCase("SimpleRNN, all, mask", lambda: L.SimpleRNN(2, zero_output_for_mask=True, **BOTH), X, {"mask": HOLES})
    yield LayerCase("SimpleRNN, backwards", lambda: L.SimpleRNN(2, "relu", False, go_backwards=True, **BOTH), X, {"initial_state": [H]})
    yield LayerCase("SimpleRNN, unrolled", lambda: L.SimpleRNN(2, unroll=True), normal((1, 2, 3)))
    yield LayerCase(
        "SimpleRNN, dropout", lambda: L.SimpleRNN(2, dropout=0.3, recurrent_dropout=0.5, seed=1), X, {"training": True}, random=True
    )
    yield LayerCase("SimpleRNNCell", lambda: L.SimpleRNNCell(2), lambda g: (g.normal(size=(4, 3)), [H]))
    yield LayerCase("SimpleRNNCell, no bias", lambda: L.SimpleRNNCell(2, None, False), lambda g: (g.normal(size=(4, 3)), [H]))
    yield LayerCase("SimpleRNNCell, relu", lambda: L.SimpleRNNCell(2, "relu"), lambda g: (g.normal(size=(4, 3)), [H]))


def _wrapped():
    many = {"return_sequences": True}
    for mode in ("concat", "sum", "mul", "ave", None):
        yield LayerCase(f"Bidirectional, {mode}", lambda m=mode: L.Bidirectional(L.LSTM(2, **many), m), X)
    yield LayerCase("Bidirectional, last", lambda: L.Bidirectional(L.GRU(2)), X)
    yield LayerCase("Bidirectional, mask, state", lambda: L.Bidirectional(L.GRU(2, **BOTH)), X, {"mask": HOLES})
    yield LayerCase(
        "Bidirectional, initial state", lambda: L.Bidirectional(L.SimpleRNN(2, **BOTH), "sum"), X, {"initial_state": [H, H + 1]}
    )
    yield LayerCase("Bidirectional, two layers", lambda: L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(3, go_backwards=True)), X)
    yield LayerCase("TimeDistributed", lambda: L.TimeDistributed(L.Dense(2, activation="tanh")), normal((2, 3, 4)))
    yield LayerCase("TimeDistributed, images", lambda: L.TimeDistributed(L.Conv2D(2, 2)), normal((2, 2, 3, 4, 1)))
    yield LayerCase("TimeDistributed, one moment", lambda: L.TimeDistributed(L.Flatten()), normal((2, 1, 3, 2)))


FAMILIES = (_gru, _simple, _wrapped)

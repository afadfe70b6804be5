"""LSTM and GRU: the order of the gates, the forget bias, where the reset goes, and what a mask
leaves."""

import numpy as np
import pytest

from tests.golden.pinned import pinned, sigmoid
from unidl import layers, ops

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(2, 4, 3))
U = 2


def _given(cls, *shapes, **arguments):
    layer = cls(U, **arguments)
    layer.build(X.shape)
    weights = [np.random.default_rng(i).normal(size=s) for i, s in enumerate(shapes)]
    layer.set_weights(weights)
    return layer, weights


def _lstm(weights, order="ifco", keep=None, zero=False):
    kernel, recurrent, bias = weights
    h = c = np.zeros((2, U))
    outputs = []
    for t in range(X.shape[1]):
        z = X[:, t] @ kernel + h @ recurrent + bias
        gates = dict(zip(order, np.split(z, 4, axis=1), strict=True))
        i, f, o = (sigmoid(gates[g]) for g in "ifo")
        new_c = f * c + i * np.tanh(gates["c"])
        new_h = o * np.tanh(new_c)
        k = np.ones((2, 1), bool) if keep is None else keep[:, t, None]
        h, c = np.where(k, new_h, h), np.where(k, new_c, c)
        outputs.append(np.where(k, h, 0 * h) if zero else h)
    return np.stack(outputs, 1)


def test_lstm_gates_are_i_f_c_o(backend):
    layer, weights = _given(layers.LSTM, (3, 8), (2, 8), (8,), return_sequences=True)
    pinned(layer(X), lambda order="ifco": _lstm(weights, order), order=("ifoc", "fico", "iofc"))


def test_the_forget_gate_begins_with_a_bias_of_one(backend):
    layer = layers.LSTM(U)
    layer.build(X.shape)

    def formula(gate=1):
        return np.repeat(np.arange(4) == gate, U).astype(float)

    pinned(layer.weights[2].value, formula, gate=(0, 2, 3))
    plain = layers.LSTM(U, unit_forget_bias=False)
    plain.build(X.shape)
    assert not np.any(ops.convert_to_numpy(plain.weights[2].value))


@pytest.mark.parametrize("zero", [False, True])
def test_a_masked_step_keeps_the_state_and_repeats_the_output(backend, zero):
    keep = np.array([[True, False, True, False], [False, True, True, False]])
    layer, weights = _given(
        layers.LSTM, (3, 8), (2, 8), (8,), return_sequences=True, zero_output_for_mask=zero
    )
    pinned(
        layer(X, mask=keep), lambda zero=zero: _lstm(weights, keep=keep, zero=zero), zero=not zero
    )


def _gru(weights, reset_after, order="zrh", update="z"):
    kernel, recurrent, bias = weights
    h, outputs = np.zeros((2, U)), []
    part = {g: slice(i * U, i * U + U) for i, g in enumerate(order)}
    for t in range(X.shape[1]):
        x = X[:, t] @ kernel + (bias[0] if reset_after else bias)
        inner = h @ recurrent + (bias[1] if reset_after else 0)
        z, r = (sigmoid(x[:, part[g]] + inner[:, part[g]]) for g in "zr")
        after = r * inner[:, part["h"]] if reset_after else (r * h) @ recurrent[:, part["h"]]
        new = np.tanh(x[:, part["h"]] + after)
        h = z * h + (1 - z) * new if update == "z" else (1 - z) * h + z * new
        outputs.append(h)
    return np.stack(outputs, 1)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_gates_are_z_r_h_and_z_keeps_the_old_state(backend, reset_after):
    layer, weights = _given(
        layers.GRU,
        (3, 6),
        (2, 6),
        (2, 6) if reset_after else (6,),
        return_sequences=True,
        reset_after=reset_after,
    )

    def formula(order="zrh", update="z"):
        return _gru(weights, reset_after, order, update)

    pinned(layer(X), formula, order=("rzh", "hzr"), update="1 - z")


def test_gru_resets_after_the_product_by_default(backend):
    assert layers.GRU(U).reset_after
    layer, weights = _given(layers.GRU, (3, 6), (2, 6), (2, 6), return_sequences=True)
    before = [weights[0], weights[1], weights[2].sum(0)]
    found = ops.convert_to_numpy(layer(X))
    assert np.abs(found - _gru(before, reset_after=False)).max() > 1e-3

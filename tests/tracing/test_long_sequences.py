"""A long sequence is a loop in a captured program, with the results of one that is written out."""

import numpy as np
import pytest

import unidl
from unidl import layers, random
from unidl.tracing import moments
from unidl.tracing.capture import CapturedExecution

MOMENTS = 9
X = np.random.default_rng(0).normal(size=(4, MOMENTS, 3)).astype("float32")
Y = np.ones((4, 1), "float32")


def weights_after_fit(make, mask=False):
    unidl.utils.set_random_seed(1)
    unidl.utils.clear_session(free_memory=False)
    row = [layers.Masking()] if mask else []
    model = unidl.Sequential([unidl.Input((MOMENTS, 3)), *row, make(), layers.Dense(1)])
    model.compile("adam", "mse")
    x = X * (np.arange(MOMENTS) < 5)[None, :, None] if mask else X
    model.fit(x, Y, batch_size=2, epochs=2, verbose=0)
    return [*model.get_weights(), model.predict(x, verbose=0)]


class Noisy(layers.Layer):
    """A cell that draws at every moment."""

    state_size = 3

    def __init__(self):
        super().__init__()
        self.generator = random.SeedGenerator(3)

    def call(self, inputs, states):
        h = inputs + states[0] * 0.5 + random.normal((3,), seed=self.generator)
        return h, [h]


CELLS = {
    "LSTM": lambda: layers.LSTM(2, recurrent_dropout=0.3, dropout=0.2),
    "GRU": lambda: layers.GRU(2, recurrent_dropout=0.3, go_backwards=True),
    "SimpleRNN": lambda: layers.SimpleRNN(2, recurrent_dropout=0.3),
    "stacked": lambda: layers.RNN([layers.GRUCell(2), layers.LSTMCell(2)]),
    "draws": lambda: layers.RNN(Noisy()),
}


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_bit_for_bit_as_written_out(backend, cell, mask, monkeypatch):
    if not isinstance(backend, CapturedExecution):
        pytest.skip("this backend traces by itself")
    written = weights_after_fit(CELLS[cell], mask)
    monkeypatch.setattr(moments, "WRITTEN_OUT", 3)
    looped = weights_after_fit(CELLS[cell], mask)
    for one, other in zip(written, looped, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cell_that_draws_has_keys_of_its_own_at_each_moment(backend, monkeypatch):
    monkeypatch.setattr(moments, "WRITTEN_OUT", 3)
    count = 70  # a framework may have a limit of its own
    layer = layers.RNN(Noisy(), return_sequences=True)
    model = unidl.Sequential([unidl.Input((count, 3)), layer])
    states = model.predict(np.zeros((1, count, 3), "float32"), verbose=0)[0]
    noise = states[1:] - 0.5 * states[:-1]
    assert len(np.unique(noise.round(4))) == noise.size

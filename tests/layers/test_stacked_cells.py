"""Cells on cells: configs and files, masks drawn once for a sequence, a cell without the library's
helpers, errors."""

import json

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from unidl import layers, ops

X = np.random.default_rng(0).normal(size=(3, 5, 2))


def _model(keras):
    x = keras.Input((5, 2))
    cells = [keras.layers.LSTMCell(3), keras.layers.GRUCell(4)]
    y = keras.layers.RNN(cells, return_sequences=True)(keras.layers.Masking()(x))
    y = keras.layers.Bidirectional(
        keras.layers.RNN(keras.layers.SimpleRNNCell(2)), merge_mode="sum"
    )(y)
    return keras.Model(x, y)


def test_models_of_keras(backend, tmp_path):
    x = X.copy()
    x[0, 3:] = 0
    with in_float64() as keras:
        theirs = _model(keras)
        wanted = theirs.predict(x, verbose=0)
        theirs.save_weights(tmp_path / "theirs.weights.h5")
        ours = unidl.Model.from_config(json.loads(theirs.to_json())["config"])
        ours.load_weights(tmp_path / "theirs.weights.h5")
        close(ours.predict(x, verbose=0), wanted)


def test_dropout_is_drawn_once_for_a_sequence(backend):
    """A constant input through an upper cell whose inputs are dropped: each feature is gone at all
    moments, or at none."""

    class Pass(layers.Layer):
        state_size = 6

        def call(self, inputs, states):
            return inputs, [inputs]

    class Identity(layers.SimpleRNNCell):
        def advance(self, projected, states, masks):
            return projected, [projected]

    upper = Identity(6, kernel_initializer="identity", dropout=0.5, seed=3)
    y = ops.convert_to_numpy(
        layers.RNN([Pass(), upper], return_sequences=True)(
            np.ones((4, 5, 6), "float32"), training=True
        )
    )
    assert set(np.unique(y)) == {0.0, 2.0}
    close(y, np.repeat(y[:, :1], 5, axis=1))


def test_upper_cells_train(backend):
    model = unidl.Sequential(
        [
            layers.RNN([layers.LSTMCell(4, dropout=0.2), layers.GRUCell(3, recurrent_dropout=0.2)]),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=unidl.optimizers.Adam(0.02), loss="mse")
    before = model.evaluate(X, X[:, 0, :1], verbose=0)
    model.fit(X, X[:, 0, :1], epochs=60, verbose=0)
    assert model.evaluate(X, X[:, 0, :1], verbose=0) < before / 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: layers.StackedRNNCells([]), "must be a list of cells"),
        (lambda: layers.RNN([layers.LSTMCell(2), layers.Dense(2)]), "has no 'state_size'"),
        (lambda: layers.ConvLSTM2D(2, 2)(layers.Input((3, None, 4, 1))), "must have a known size"),
        (
            lambda: layers.ConvLSTM2D(2, 2, strides=2, dilation_rate=2),
            "strides > 1 cannot be combined with dilation_rate > 1",
        ),
        (lambda: layers.GroupQueryAttention(2, 3, 2), "must be a multiple of num_key_value_heads"),
    ],
)
def test_errors_teach(call, words):
    with pytest.raises(ValueError, match=words):
        call()

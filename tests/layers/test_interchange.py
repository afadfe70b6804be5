"""A model of these layers goes from Keras to unidl and back: config, weights as arrays, weights as
a file, predictions with masks."""

import json

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64


def _model(keras):
    layers = keras.layers
    indices = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(indices)
    x = layers.Add()([x, layers.Attention()([x, x])])
    x = layers.LayerNormalization(epsilon=2**-9)(x)
    # Keras' MultiHeadAttention takes the mask off its inputs, so that whoever uses them next finds
    # none: nobody does here.
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LSTM(8, return_sequences=True)(x)
    x = layers.BatchNormalization()(x)
    x, h, c = layers.LSTM(4, go_backwards=True, return_state=True)(x)
    x = layers.Concatenate()([x, layers.EinsumDense("ab,bc->ac", 3, bias_axes="c")(h), c])
    return keras.Model(indices, layers.Dense(2, activation="softmax")(x))


@pytest.fixture(scope="module")
def keras():
    with in_float64() as module:
        yield module


def test_there_and_back(keras, backend, tmp_path):
    theirs = _model(keras)
    indices = np.random.default_rng(0).integers(0, 20, (5, 7)).astype("int32")
    wanted = theirs.predict(indices, verbose=0)

    ours = unidl.Model.from_config(json.loads(theirs.to_json())["config"])
    assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    close(ours.predict(indices, verbose=0), wanted)

    theirs.save_weights(tmp_path / "theirs.weights.h5")
    again = unidl.Model.from_config(ours.get_config())
    again.load_weights(tmp_path / "theirs.weights.h5")
    close(again.predict(indices, verbose=0), wanted)

    again.save_weights(tmp_path / "ours.weights.h5")
    back = keras.Model.from_config(json.loads(theirs.to_json())["config"])
    back.load_weights(tmp_path / "ours.weights.h5")
    assert np.array_equal(back.predict(indices, verbose=0), wanted)

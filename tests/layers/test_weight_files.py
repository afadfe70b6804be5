"""Weight files of Keras for layers that are made of others, or keep more than what is trained."""

import json

import numpy as np

import unidl
from tests.reference import close, in_float64


def _model(keras):
    x = keras.Input((4, 5, 6, 2))
    y = keras.layers.ConvLSTM2D(3, 2, return_sequences=True)(x)
    y = keras.layers.TimeDistributed(keras.layers.AdaptiveAveragePooling2D(2))(y)
    y = keras.layers.Reshape((8, 6))(y)
    y = keras.layers.GroupQueryAttention(4, 4, 2, use_gate=True)(y, y)
    y = keras.layers.Normalization()(y)
    y = keras.layers.BatchNormalization(renorm=True)(y)
    y = keras.layers.SpectralNormalization(keras.layers.Dense(3))(y)
    return keras.Model(x, y)


def test_there_and_back(tmp_path):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 6, 2))
    with in_float64() as keras:
        theirs = _model(keras)
        draw = np.random.default_rng(1)
        theirs.set_weights(
            [np.abs(draw.normal(size=w.shape)).astype(w.dtype) for w in theirs.weights]
        )
        theirs.save_weights(tmp_path / "theirs.weights.h5")
        theirs.load_weights(
            tmp_path / "theirs.weights.h5"
        )  # Normalization of Keras reads its weights at the end of loading
        ours = unidl.Model.from_config(json.loads(theirs.to_json())["config"])
        assert [(w.name, tuple(w.shape)) for w in ours.weights] == [
            (w.name, tuple(w.shape)) for w in theirs.weights
        ]
        ours.load_weights(tmp_path / "theirs.weights.h5")
        close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0))
        ours.save_weights(tmp_path / "ours.weights.h5")
        again = _model(keras)
        again.load_weights(tmp_path / "ours.weights.h5")
        close(again.predict(x, verbose=0), theirs.predict(x, verbose=0))

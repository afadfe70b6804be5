"""Bidirectional and TimeDistributed in models: masks, weights and files shared with Keras, states,
errors."""

import json

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from unidl import layers, ops


def _model(keras):
    x = indices = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(20, 4, mask_zero=True)(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))(x)
    x = keras.layers.TimeDistributed(keras.layers.Dense(4))(x)
    x = keras.layers.Bidirectional(keras.layers.GRU(2), merge_mode="sum")(x)
    return keras.Model(indices, keras.layers.Dense(2)(x))


def test_there_and_back(backend, tmp_path):
    indices = np.random.default_rng(0).integers(0, 20, (6, 5)).astype("int32")
    indices[0, 2:] = 0
    with in_float64() as keras:
        theirs = _model(keras)
        wanted = theirs.predict(indices, verbose=0)
        theirs.save_weights(tmp_path / "theirs.weights.h5")
        ours = unidl.Model.from_config(json.loads(theirs.to_json())["config"])
        assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
        ours.set_weights(theirs.get_weights())
        close(ours.predict(indices, verbose=0), wanted)
        again = unidl.Model.from_config(ours.get_config())
        again.load_weights(tmp_path / "theirs.weights.h5")
        close(again.predict(indices, verbose=0), wanted)


def test_states_go_on(backend):
    layer = layers.Bidirectional(layers.GRU(2, stateful=True))
    x = np.ones((3, 4, 2), "float32")
    first, second = ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(layer(x))
    assert not np.allclose(first, second)
    layer.reset_state()
    close(ops.convert_to_numpy(layer(x)), first, 1e-6)
    assert len(layer.states) == 2


@pytest.mark.parametrize(
    "make",
    [
        layers.LSTM,
        layers.GRU,
        layers.SimpleRNN,
        lambda *a, **k: layers.SimpleRNN(*a, activation="relu", **k),
    ],
)
def test_kernel_and_loop_agree(backend, make):
    x = np.random.default_rng(1).normal(size=(3, 4, 2)).astype("float32")
    layer = make(3, return_sequences=True)
    layer(x)
    layer.cell.bias.assign(np.random.default_rng(2).normal(size=layer.cell.bias.shape))
    fused = ops.convert_to_numpy(layer(x))
    assert layer.kernel_description() == backend.kernels.get(
        layer.whole_sequence, "composed of primitives"
    )
    layer.use_cudnn = False
    close(ops.convert_to_numpy(layer(x)), fused, 1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: layers.Bidirectional(layers.Dense(2)), "must be a recurrent layer"),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="max"),
            "merge_mode must be one of",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)),
            "One must run forwards",
        ),
        (
            lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3), "float32")),
            "at least three axes",
        ),
        (
            lambda: layers.GroupNormalization(3)(np.ones((2, 4), "float32")),
            "cannot be divided into 3 groups",
        ),
        (
            lambda: layers.GRU(2, reset_after=False, use_cudnn=True)(np.ones((2, 3, 1), "float32")),
            "reset_after=False|has none",
        ),
    ],
)
def test_errors_teach(call, words):
    with pytest.raises(ValueError, match=words):
        call()

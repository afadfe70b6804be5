"""What Keras cannot be asked: empty batches, channels first, defaults that it rounds, and numbers
at the edges of a dtype."""

import numpy as np
import pytest

from tests.reference import close
from unidl import layers, ops
from unidl.backend import use_backend

DRAW = np.random.default_rng(0)


def _numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize(
    ("make", "shape", "result"),
    [
        (lambda: layers.Dense(3), (0, 5), (0, 3)),
        (lambda: layers.Conv2D(3, 3), (0, 6, 7, 2), (0, 4, 5, 3)),
        (lambda: layers.MaxPooling2D(), (0, 6, 7, 2), (0, 3, 3, 2)),
        (lambda: layers.AveragePooling2D(2, padding="same"), (0, 6, 7, 2), (0, 3, 4, 2)),
        (lambda: layers.LSTM(2, return_sequences=True), (0, 5, 3), (0, 5, 2)),
        (lambda: layers.LSTM(2, unroll=True), (0, 5, 3), (0, 2)),
        (lambda: layers.LayerNormalization(), (0, 5), (0, 5)),
        (lambda: layers.BatchNormalization(), (0, 5), (0, 5)),
        (lambda: layers.Flatten(), (0, 2, 3), (0, 6)),
        (lambda: layers.Reshape((3, -1)), (0, 2, 3), (0, 3, 2)),
        (lambda: layers.Dropout(0.5), (0, 3), (0, 3)),
        (lambda: layers.Softmax(), (0, 3), (0, 3)),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else "",
)
def test_empty_batches(backend, make, shape, result):
    assert _numpy(make()(np.zeros(shape, "float32"))).shape == result


def test_empty_batches_of_several(backend):
    q, v = np.zeros((0, 4, 3), "float32"), np.zeros((0, 5, 3), "float32")
    assert _numpy(layers.Attention()([q, v])).shape == (0, 4, 3)
    assert _numpy(layers.MultiHeadAttention(2, 3)(q, v, use_causal_mask=True)).shape == (0, 4, 3)
    assert _numpy(layers.Add()([q, q])).shape == (0, 4, 3)
    assert _numpy(layers.Concatenate(axis=1)([q, v])).shape == (0, 9, 3)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.Conv2D(3, (3, 2), dtype="float64", **k),
        lambda **k: layers.Conv2D(
            4, 2, strides=2, groups=2, activation="tanh", dtype="float64", **k
        ),
        lambda **k: layers.MaxPooling2D(2, dtype="float64", **k),
        lambda **k: layers.AveragePooling2D((2, 3), strides=1, dtype="float64", **k),
    ],
)
def test_channels_first_is_channels_last_turned(backend, make, padding):
    x = DRAW.normal(size=(2, 5, 6, 4))
    last, first = make(padding=padding), make(padding=padding, data_format="channels_first")
    wanted = _numpy(last(x)).transpose(0, 3, 1, 2)
    first(x.transpose(0, 3, 1, 2))
    first.set_weights(last.get_weights())
    close(_numpy(first(x.transpose(0, 3, 1, 2))), wanted, 1e-12)


def test_layer_normalization_default_epsilon(backend):
    x = DRAW.normal(size=(3, 7)) * 0.01
    wanted = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    close(_numpy(layers.LayerNormalization(dtype="float64")(x)), wanted, 1e-12)


def test_batch_normalization_defaults(backend):
    x = DRAW.normal(size=(6, 3)) + 5
    layer = layers.BatchNormalization(dtype="float64")
    close(_numpy(layer(x, training=True)), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), 1e-12)
    _, _, mean, variance = layer.get_weights()
    close(mean, 0.01 * x.mean(0), 1e-12)
    close(variance, 0.99 + 0.01 * x.var(0), 1e-12)
    close(_numpy(layer(x)), (x - mean) / np.sqrt(variance + 1e-3), 1e-12)


@pytest.mark.parametrize("make", [layers.BatchNormalization, layers.LayerNormalization])
def test_large_means_keep_their_digits(backend, make):
    """A variance in one pass would be wrong by half, or negative."""
    x = (100 + 0.01 * DRAW.normal(size=(64, 64))).astype("float32")
    got = _numpy(
        make(epsilon=1e-9)(x, training=True)
        if make is layers.BatchNormalization
        else make(epsilon=1e-9)(x)
    )
    axis = 0 if make is layers.BatchNormalization else 1
    exact = x.astype("float64")
    wanted = (exact - exact.mean(axis, keepdims=True)) / np.sqrt(
        exact.var(axis, keepdims=True) + 1e-9
    )
    assert np.abs(got - wanted).max() < 5e-3


def test_multi_head_attention_scale(backend):
    q, v = DRAW.normal(size=(2, 4, 5)), DRAW.normal(size=(2, 3, 5))
    layer = layers.MultiHeadAttention(1, 3, use_bias=False, dtype="float64")
    got = _numpy(layer(q, v))
    wq, wk, wv, wo = (w[:, 0] if w.shape[0] == 5 else w[0] for w in layer.get_weights())
    scores = (q @ wq) @ (v @ wk).transpose(0, 2, 1) / np.sqrt(3)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    close(got, weights @ (v @ wv) @ wo, 1e-12)


def test_dropout_share_and_scale(backend):
    y = _numpy(layers.Dropout(0.3, seed=5)(np.ones((200, 50), "float32"), training=True))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((y == 0).mean() - 0.3) < 0.02


def test_dropout_is_the_same_on_every_backend(backend):
    x = np.ones((20, 5), "float32")
    ours = _numpy(layers.Dropout(0.3, seed=5)(x, training=True))
    with use_backend("numpy"):
        assert np.array_equal(ours, layers.Dropout(0.3, seed=5)(x, training=True))

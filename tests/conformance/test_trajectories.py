"""Whole training runs: 200 steps of the reference models agree on every backend."""

import numpy as np
import pytest

import unidl
from unidl import layers

STEPS = 200
BATCH = 4


def mlp():
    """784-64-10 with dropout, Adam."""
    model = unidl.Sequential(
        [
            unidl.Input(shape=(784,)),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return model, "adam", "sparse_categorical_crossentropy"


def cnn():
    """The reference CNN with batch normalization and dropout, SGD with momentum."""
    model = unidl.Sequential(
        [
            unidl.Input(shape=(28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return (
        model,
        unidl.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        "sparse_categorical_crossentropy",
    )


def lstm():
    """Masked words through an LSTM, RMSprop."""
    inputs = unidl.Input(shape=(7,), dtype="int32")
    h = layers.Embedding(20, 8, mask_zero=True)(inputs)
    h = layers.LSTM(12, return_sequences=True, dropout=0.1)(h)
    h = layers.LSTM(12)(h)
    return (
        unidl.Model(inputs, layers.Dense(10)(h)),
        "rmsprop",
        unidl.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


def transformer():
    """A transformer block with dropout, AdamW."""
    inputs = unidl.Input(shape=(6,), dtype="int32")
    x = layers.Embedding(20, 16)(inputs)
    h = layers.LayerNormalization()(x)
    x = layers.Add()(
        [
            x,
            layers.MultiHeadAttention(num_heads=4, key_dim=4, dropout=0.1)(
                h, h, use_causal_mask=True
            ),
        ]
    )
    h = layers.Dense(32, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dropout(0.1)(layers.Dense(16)(h))])
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    return (
        unidl.Model(inputs, outputs),
        unidl.optimizers.AdamW(0.002),
        "sparse_categorical_crossentropy",
    )


def data(model):
    rng = np.random.default_rng(0)
    shape = model.inputs[0].shape[1:]
    x = (
        rng.integers(0, 20, (64, *shape))
        if model.inputs[0].dtype == "int32"
        else rng.normal(size=(64, *shape))
    )
    return x, rng.integers(0, 10, 64)


def run(make, dtype):
    """(losses of all epochs, final weights) of 200 steps."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(5)
    unidl.config.set_floatx(dtype)
    try:
        model, optimizer, loss = make()
        model.compile(optimizer, loss)
        x, y = data(model)
        history = model.fit(x, y, batch_size=BATCH, epochs=STEPS * BATCH // len(x) + 1, verbose=0)
    finally:
        unidl.config.set_floatx("float32")
    return np.array(history.history["loss"]), model.get_weights()


ORACLE = {}


@pytest.mark.parametrize("make", [mlp, cnn, lstm, transformer], ids=lambda f: f.__name__)
def test_200_steps_agree(backend, make):
    """Dropout masks, shuffles, weights and optimizer steps are portable: float64 parts by rounding
    alone."""
    if make not in ORACLE:
        with unidl.use_backend("numpy"):
            ORACLE[make] = run(make, "float64")
    losses, weights = run(make, "float64")
    expected_losses, expected = ORACLE[make]
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9)
    # Relative to the model, not to each tensor: the bias of an attention's keys has no influence,
    # and holds rounding alone.
    scale = max(np.max(np.abs(w)) for w in expected)
    worst = max(
        np.max(np.abs(ours - theirs)) for ours, theirs in zip(weights, expected, strict=True)
    )
    print(
        f"{make.__name__}: worst weight {worst / scale:.1e}, worst loss "
        f"{np.max(np.abs(losses / expected_losses - 1)):.1e}"
    )
    assert worst <= 1e-9 * scale

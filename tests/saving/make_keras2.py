"""Writes tests/saving/keras2.zip: files of Keras 2 in mid-training, and what it says of them.

Keras 2 is the package tf_keras, which no test installs: `pip install tf_keras`, then
`python -m tests.saving.make_keras2`.
"""

import io
import os
import tempfile
import zipfile
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tf_keras as keras

layers = keras.layers


def images():
    return keras.Sequential(
        [
            layers.Conv2D(3, 2, activation="relu", input_shape=(5, 5, 2)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.0),
            layers.Dense(2, activation="softmax", kernel_regularizer="l2"),
        ]
    )


def shared():
    a, b = layers.Input((4,), name="a"), layers.Input((3,), name="b")
    twin = layers.Dense(4, activation="tanh")
    h = layers.Concatenate()([layers.Add()([twin(a), twin(layers.Dense(4)(b))]), a])
    return keras.Model([a, b], [layers.Dense(2, name="x")(h), layers.LayerNormalization()(h)])


def words():
    inputs = layers.Input((5,), dtype="int32")
    h = layers.Embedding(7, 4)(inputs)
    h = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(h)
    h = layers.GRU(3)(layers.MultiHeadAttention(2, 3)(h, h))
    inner = keras.Sequential([layers.Dense(3, input_shape=(3,)), layers.BatchNormalization()])
    return keras.Model(inputs, layers.Dense(1)(inner(h)))


def windows():
    """Arguments that Keras 3 calls otherwise or has not."""
    inputs = layers.Input((6, 6, 2), name="image")
    h = layers.DepthwiseConv2D(2)(layers.SeparableConv2D(3, 2)(inputs))
    h = layers.PReLU(shared_axes=[1, 2])(layers.Conv2DTranspose(2, 2, strides=2)(h))
    h = layers.LeakyReLU(0.1)(layers.Dense(3)(layers.GlobalAveragePooling2D()(h)))
    h = layers.Dot(axes=-1)([layers.ReLU(max_value=6.0)(h), layers.Activation("swish")(h)])
    return keras.Model(inputs, layers.Dense(2)(h))


def states():
    """Initial states, and a model that is called twice."""
    inputs, h, c = layers.Input((4, 3)), layers.Input((3,)), layers.Input((3,))
    x = layers.LSTM(3)(inputs, initial_state=[h, c])
    inner_input = layers.Input((3,))
    inner = keras.Model(inner_input, layers.Dense(3, activation="tanh")(inner_input))
    return keras.Model([inputs, h, c], inner(inner(layers.Dropout(0.5)(x, training=False))))


def saved(make, folder):
    """(bytes of the file, bytes of an npz file of inputs, outputs and the losses to come)."""
    model = make()
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    metrics = ["mae", keras.metrics.RootMeanSquaredError()] if make is images else None
    model.compile(keras.optimizers.Adam(2**-7), "mse", metrics=metrics)
    x = [
        rng.integers(0, 7, (4, *t.shape[1:])) if t.dtype == "int32"
        else rng.normal(size=(4, *t.shape[1:]))
        for t in model.inputs
    ]  # fmt: skip
    y = [rng.normal(size=(4, *t.shape[1:])) for t in model.outputs]
    model.train_on_batch(x, y)
    path = Path(folder, "m.h5")
    model.save(path)
    out = model.predict(x, verbose=0)
    facts = {f"x{i}": a for i, a in enumerate(x)} | {f"y{i}": a for i, a in enumerate(y)}
    facts |= {f"out{i}": a for i, a in enumerate(out if isinstance(out, list) else [out])}
    losses = [np.ravel(model.train_on_batch(x, y))[0] for _ in range(3)]
    data = io.BytesIO()
    np.savez(data, losses=losses, **facts)
    return path.read_bytes(), data.getvalue()


def main():
    target = Path(__file__).with_name("keras2.zip")
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive,
    ):
        for make in (images, shared, words, windows, states):
            file, facts = saved(make, folder)
            archive.writestr(f"{make.__name__}.h5", file)
            archive.writestr(f"{make.__name__}.npz", facts)


if __name__ == "__main__":
    main()

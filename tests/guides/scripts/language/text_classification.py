"""Sentiment of padded token rows: convolutions, a bidirectional LSTM, pooled embeddings."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(61)
MAX_FEATURES, LENGTH = 40, 16
rng = np.random.default_rng(0)
rows = [list(rng.integers(1, MAX_FEATURES, size=n)) for n in rng.integers(5, 25, size=48)]
y = np.array([float(np.mean(row) > MAX_FEATURES / 2) for row in rows], "float32")
x = keras.utils.pad_sequences(rows, maxlen=LENGTH, padding="post", truncating="pre")
print("padded", x.shape, x.dtype, x[0][:3].tolist() == [int(v) for v in rows[0][-LENGTH:][:3]])


def convolutional():
    inputs = keras.Input(shape=(None,), dtype="int64")
    z = layers.Embedding(MAX_FEATURES, 8)(inputs)
    z = layers.Dropout(0.5)(z)
    z = layers.Conv1D(8, 7, padding="valid", activation="relu", strides=3)(z)
    z = layers.Conv1D(8, 2, padding="valid", activation="relu", strides=2)(z)
    z = layers.GlobalMaxPooling1D()(z)
    z = layers.Dense(8, activation="relu")(z)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="predictions")(z))


def recurrent():
    inputs = keras.Input(shape=(None,), dtype="int32")
    z = layers.Embedding(MAX_FEATURES, 8, mask_zero=True)(inputs)
    z = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(z)
    z = layers.Bidirectional(layers.LSTM(6))(z)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(z))


def averaged():
    return keras.Sequential(
        [
            layers.Embedding(MAX_FEATURES, 8, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


for make in (convolutional, recurrent, averaged):
    model = make()
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=1, validation_data=(x, y), verbose=0)
    print(make.__name__, sorted(history.history), model.count_params())

pretrained = rng.normal(size=(MAX_FEATURES, 8)).astype("float32")
layer = layers.Embedding(
    MAX_FEATURES, 8, trainable=False, embeddings_initializer=keras.initializers.Constant(pretrained)
)
print(
    "pretrained", np.allclose(layer(x[:1])[0, 0], pretrained[x[0, 0]]), len(layer.trainable_weights)
)
layer = layers.Embedding(MAX_FEATURES, 8)
layer.build((1,))
layer.set_weights([pretrained])
print("set", np.allclose(layer.get_weights()[0], pretrained))

"""The functional API: several inputs and outputs, shared layers, models as layers."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(2)

title = keras.Input(shape=(None,), name="title", dtype="int32")
body = keras.Input(shape=(None,), name="body", dtype="int32")
tags = keras.Input(shape=(6,), name="tags")
embed = layers.Embedding(50, 8)  # one table for both texts
read_title = layers.LSTM(8)(embed(title))
read_body = layers.LSTM(8)(embed(body))
joined = layers.concatenate([read_title, read_body, tags])
priority = layers.Dense(1, name="priority")(joined)
department = layers.Dense(4, name="department")(joined)
model = keras.Model(
    inputs=[title, body, tags], outputs={"priority": priority, "department": department}
)
print("parameters", model.count_params(), "layers", len(model.layers))

model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "department": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.2},
    metrics={"department": ["accuracy"]},
)
rng = np.random.default_rng(0)
x = {
    "title": rng.integers(1, 50, size=(32, 5)),
    "body": rng.integers(1, 50, size=(32, 9)),
    "tags": rng.integers(0, 2, size=(32, 6)).astype("float32"),
}
y = {
    "priority": rng.random((32, 1)).astype("float32"),
    "department": keras.utils.to_categorical(rng.integers(0, 4, size=32), 4),
}
history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
print("logs", sorted(history.history))
print(f"loss {history.history['loss'][-1]:.4f}")
print({name: array.shape for name, array in sorted(model.predict(x, verbose=0).items())})

inner = keras.Model(tags, layers.Dense(3, activation="relu")(tags), name="inner")
a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
both = layers.average([inner(a), inner(b)])
outer = keras.Model([a, b], both)
print("shared model:", outer.count_params(), outer.output_shape, outer.get_layer("inner").name)

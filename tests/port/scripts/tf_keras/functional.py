"""Several inputs and outputs, named layers, weights of losses."""

import numpy as np
from tensorflow import keras as k
from tensorflow.keras import Input
from tensorflow.keras import layers as L

text = Input(shape=(7,), dtype="int32", name="text")
numbers = Input(shape=(4,), name="numbers")
embedded = L.GlobalAveragePooling1D()(L.Embedding(20, 6)(text))
joined = L.concatenate([embedded, L.Dense(5, activation="relu")(numbers)])
priority = L.Dense(1, activation="sigmoid", name="priority")(joined)
kind = L.Dense(3, activation="softmax", name="kind")(joined)
model = k.Model(inputs=[text, numbers], outputs=[priority, kind])
model.compile(
    optimizer=k.optimizers.SGD(0.1),
    loss={"priority": k.losses.BinaryCrossentropy(), "kind": "sparse_categorical_crossentropy"},
    loss_weights={"priority": 1.0, "kind": 0.2},
)
rng = np.random.RandomState(3)
data = {"text": rng.randint(0, 20, (24, 7)), "numbers": rng.rand(24, 4).astype("float32")}
goals = {"priority": rng.randint(0, 2, (24, 1)).astype("float32"), "kind": rng.randint(0, 3, 24)}
history = model.fit(data, goals, epochs=3, batch_size=8, shuffle=False, verbose=0)
print(" ".join("%.5f" % value for value in history.history["loss"]))

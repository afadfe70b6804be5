"""A Sequential model: delayed build, pop, feature extraction, fit, evaluate, predict."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(1)

model = keras.Sequential(name="stack")
model.add(layers.Dense(8, activation="relu", name="first"))
model.add(layers.Dense(4, activation="relu", name="second"))
model.add(layers.Dense(2, name="spare"))
model.pop()
model.add(layers.Dense(1, name="last"))
print("built before a call:", model.built, "layers:", [layer.name for layer in model.layers])

y = model(np.ones((3, 5), "float32"))
print("output", tuple(y.shape), "weights", len(model.weights), "parameters", model.count_params())
model.summary()

rng = np.random.default_rng(0)
x = rng.normal(size=(128, 5)).astype("float32")
y = x.sum(axis=1, keepdims=True)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
history = model.fit(x, y, batch_size=16, epochs=8, verbose=0)
print("history", sorted(history.history), len(history.epoch))
assert history.history["loss"][-1] < history.history["loss"][0]
print(f"loss {model.evaluate(x, y, verbose=0)[0]:.4f}")

staged = keras.Sequential([keras.Input(shape=(5,))])
staged.add(layers.Dense(8, activation="relu"))
staged.add(layers.Dense(4, activation="relu", name="middle"))
staged.add(layers.Dense(1))
extractor = keras.Model(staged.inputs, [layer.output for layer in staged.layers])
print("features", [tuple(f.shape) for f in extractor(x[:2])])
middle = keras.Model(staged.inputs, staged.get_layer(name="middle").output)
print("one feature", middle.predict(x, verbose=0).shape)

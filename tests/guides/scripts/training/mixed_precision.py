"""Mixed precision: a policy for all layers, one layer in float32, the dtypes of what comes out."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(17)
keras.mixed_precision.set_global_policy("mixed_float16")
try:
    inputs = keras.Input(shape=(8,))
    x = layers.Dense(16, activation="relu", name="first")(inputs)
    x = layers.LayerNormalization()(x)
    outputs = layers.Dense(3, dtype="float32", activation="softmax", name="last")(x)
    model = keras.Model(inputs, outputs)
finally:
    keras.mixed_precision.set_global_policy("float32")
first = model.get_layer("first")
print("policy", first.dtype_policy.name, first.compute_dtype, first.variable_dtype)
print("kernel", first.kernel.dtype, "hidden", x.dtype, "output", outputs.dtype)

model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print("optimizer", type(model.optimizer).__name__, type(model.optimizer.inner_optimizer).__name__)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 8)).astype("float32"), rng.integers(0, 3, size=64)
history = model.fit(x, y, batch_size=16, epochs=3, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
print("predicted", model.predict(x, verbose=0).dtype, "scale", float(model.optimizer.dynamic_scale))

layer = layers.Dense(2, dtype=keras.mixed_precision.DTypePolicy("mixed_float16"))
print("own", layer(x).shape[1], layer.compute_dtype, layer.kernel.dtype)
print("whole", layers.Dense(2, dtype="float64").variable_dtype, keras.config.floatx())

"""Structured data: Normalization that adapts, categories as embeddings, inputs by name."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(81)
rng = np.random.default_rng(0)
frame = {
    "age": rng.integers(20, 80, size=80).astype("float32"),
    "pressure": rng.normal(130, 15, size=80).astype("float32"),
    "kind": rng.integers(0, 4, size=80),
    "region": rng.integers(0, 6, size=80),
}
target = ((frame["age"] > 50) & (frame["kind"] != 2)).astype("float32")
train = {name: values[:60] for name, values in frame.items()}
val = {name: values[60:] for name, values in frame.items()}

inputs, encoded = {}, []
for name in ("age", "pressure"):
    inputs[name] = keras.Input(shape=(1,), name=name)
    normalizer = layers.Normalization()
    normalizer.adapt(train[name][:, None])
    encoded.append(normalizer(inputs[name]))
for name, size in (("kind", 4), ("region", 6)):
    inputs[name] = keras.Input(shape=(1,), name=name, dtype="int32")
    column = layers.Embedding(size, 3, name=f"{name}_embedding")(inputs[name])
    encoded.append(layers.Reshape((3,))(column))
crossed = layers.Lambda(lambda pair: pair[0] * 6 + pair[1], output_shape=(1,))(
    [inputs["kind"], inputs["region"]]
)
encoded.append(layers.Flatten()(layers.Embedding(24, 2)(crossed)))

all_features = layers.concatenate(encoded)
x = layers.Dense(16, activation="relu")(all_features)
x = layers.Dropout(0.5)(x)
deep = layers.Dense(1)(x)
wide = layers.Dense(1, use_bias=False)(all_features)
output = layers.Activation("sigmoid")(layers.add([wide, deep]))
model = keras.Model(inputs, output, name="wide_and_deep")
model.compile("adam", "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")])
print("parameters", model.count_params(), sorted(model.input))
history = model.fit(
    train, target[:60], epochs=2, batch_size=16, validation_data=(val, target[60:]), verbose=0
)
print("logs", sorted(history.history))
sample = {"age": 60, "pressure": 145, "kind": 1, "region": 3}
one = {name: keras.ops.convert_to_tensor([[value]]) for name, value in sample.items()}
print("one", model.predict(one, verbose=0).shape)
normalizer = next(layer for layer in model.layers if isinstance(layer, layers.Normalization))
print("normalized", normalizer.mean.shape[-1], len(normalizer.get_weights()))
values = np.asarray(train["age"][:, None])
found = keras.ops.convert_to_numpy(normalizer(values))
print("mean", abs(round(float(found.mean()), 3)), "deviation", round(float(found.std()), 3))

"""A toy ResNet by the functional API, saved and loaded as a whole."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(3)

inputs = keras.Input(shape=(16, 16, 3), name="image")
x = layers.Conv2D(8, 3, activation="relu")(inputs)
x = layers.Conv2D(16, 3, activation="relu")(x)
block = layers.MaxPooling2D(3)(x)
for _ in range(2):
    x = layers.Conv2D(16, 3, activation="relu", padding="same")(block)
    x = layers.Conv2D(16, 3, activation="relu", padding="same")(x)
    block = layers.add([x, block])
x = layers.Conv2D(16, 3, activation="relu")(block)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(16, activation="relu")(x)
x = layers.Dropout(0.5)(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs, name="toy_resnet")
model.summary()
print("parameters", model.count_params(), "block", block.shape)

rng = np.random.default_rng(0)
images = rng.random((24, 16, 16, 3)).astype("float32")
labels = rng.integers(0, 10, size=24)
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["acc"],
)
history = model.fit(images, labels, batch_size=8, epochs=1, validation_split=0.25, verbose=0)
print("logs", sorted(history.history))
model.save("toy_resnet.keras")
again = keras.models.load_model("toy_resnet.keras")
difference = np.abs(model.predict(images, verbose=0) - again.predict(images, verbose=0)).max()
assert difference < 1e-5
print("loaded", again.name, int(again.optimizer.iterations))

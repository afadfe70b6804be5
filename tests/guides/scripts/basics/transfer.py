"""Transfer learning: freezing, a frozen BatchNormalization, fine-tuning at a low rate."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(7)
rng = np.random.default_rng(0)
images = rng.random((32, 8, 8, 3)).astype("float32")
labels = (images.mean(axis=(1, 2, 3)) > 0.5).astype("float32")

base = keras.Sequential(
    [
        keras.Input((8, 8, 3)),
        layers.Conv2D(6, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3),
    ],
    name="base",
)
base.trainable = False
print("frozen", len(base.trainable_weights), len(base.non_trainable_weights), len(base.weights))

inputs = keras.Input((8, 8, 3))
x = layers.Rescaling(scale=2.0, offset=-1.0)(inputs)
x = base(x, training=False)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.2)(x)
model = keras.Model(inputs, layers.Dense(1)(x))
model.summary(show_trainable=True)
model.compile(
    optimizer=keras.optimizers.Adam(),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
before = [w.copy() for w in base.get_weights()]
model.fit(images, labels, epochs=1, batch_size=8, verbose=0)
assert all((a == b).all() for a, b in zip(before, base.get_weights(), strict=True))
print("trainable at first", len(model.trainable_weights))

base.trainable = True
base.layers[1].trainable = False
model.compile(
    optimizer=keras.optimizers.Adam(1e-5),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
history = model.fit(images, labels, epochs=1, batch_size=8, verbose=0)
changed = [not np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True)]
print("changed while fine-tuning", changed, sorted(history.history))
print("trainable at last", len(model.trainable_weights), model.count_params())

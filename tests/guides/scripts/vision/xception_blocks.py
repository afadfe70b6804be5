"""A small Xception: separable convolutions, residuals projected by strided convolutions."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(42)


def make_model(input_shape, num_classes):
    inputs = keras.Input(shape=input_shape)
    x = layers.Rescaling(1.0 / 255)(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    previous = x
    for size in [12, 16]:
        x = layers.Activation("relu")(x)
        x = layers.SeparableConv2D(size, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.SeparableConv2D(size, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        residual = layers.Conv2D(size, 1, strides=2, padding="same")(previous)
        x = layers.add([x, residual])
        previous = x
    x = layers.SeparableConv2D(24, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    units = 1 if num_classes == 2 else num_classes
    x = layers.Dropout(0.25)(x)
    return keras.Model(inputs, layers.Dense(units, activation=None)(x))


model = make_model(input_shape=(16, 16, 3), num_classes=2)
print("parameters", model.count_params(), len(model.layers), model.output_shape)
rng = np.random.default_rng(0)
images = rng.integers(0, 256, size=(24, 16, 16, 3)).astype("uint8")
labels = rng.integers(0, 2, size=24)
model.compile(
    optimizer=keras.optimizers.Adam(3e-4),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(name="acc")],
)
history = model.fit(images, labels, epochs=1, batch_size=8, verbose=0)
print("logs", sorted(history.history))
score = float(keras.ops.sigmoid(model.predict(images[:1], verbose=0)[0][0]))
print("probability", 0 < score < 1)

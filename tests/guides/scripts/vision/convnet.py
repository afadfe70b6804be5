"""The simplest convolutional network for digits, with everything that its guide prints."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(41)
num_classes, input_shape = 10, (12, 12, 1)
rng = np.random.default_rng(0)
x_train = rng.integers(0, 256, size=(60, 12, 12)).astype("float32") / 255
x_train = np.expand_dims(x_train, -1)
y_train = keras.utils.to_categorical(rng.integers(0, num_classes, size=60), num_classes)

model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(16, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
lines = []
model.summary(print_fn=lines.append)
print("summary names", all(any(layer.name in line for line in lines) for layer in model.layers))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=16, epochs=2, validation_split=0.1, verbose=0)
print("logs", sorted(history.history))
score = model.evaluate(x_train, y_train, verbose=0)
print(f"loss {score[0]:.4f}", len(score))
print("shapes", [layer.output.shape for layer in model.layers])
print("parameters", [layer.count_params() for layer in model.layers])

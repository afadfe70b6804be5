"""Anomalies of a series by a convolutional autoencoder: what it restores badly."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(73)
STEPS = 16
time = np.arange(200)
normal = np.sin(time / 4.0).astype("float32")
broken = normal.copy()
broken[120:126] += 3.0


def windows(values):
    return np.stack([values[i : i + STEPS] for i in range(len(values) - STEPS + 1)])[..., None]


x = windows(normal)
model = keras.Sequential(
    [
        layers.Input(shape=(x.shape[1], x.shape[2])),
        layers.Conv1D(filters=8, kernel_size=7, padding="same", strides=2, activation="relu"),
        layers.Dropout(rate=0.2),
        layers.Conv1D(filters=4, kernel_size=7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(
            filters=4, kernel_size=7, padding="same", strides=2, activation="relu"
        ),
        layers.Dropout(rate=0.2),
        layers.Conv1DTranspose(
            filters=8, kernel_size=7, padding="same", strides=2, activation="relu"
        ),
        layers.Conv1DTranspose(filters=1, kernel_size=7, padding="same"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
print("parameters", model.count_params(), model.output_shape)
history = model.fit(
    x,
    x,
    epochs=8,
    batch_size=32,
    validation_split=0.1,
    verbose=0,
    callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, mode="min")],
)
error = np.mean(np.abs(model.predict(x, verbose=0) - x), axis=1)
threshold = np.max(error)
found = np.mean(np.abs(model.predict(windows(broken), verbose=0) - windows(broken)), axis=1)
anomalies = np.where(found[:, 0] > threshold)[0]
print(
    "found", bool(len(anomalies)), bool((anomalies > 120 - STEPS).all() and (anomalies < 126).all())
)

# The ECG variant: dense layers on whole beats, with a residual block of convolutions.
inputs = keras.Input((STEPS, 1))
y = layers.Conv1D(8, 3, padding="same")(inputs)
y = layers.BatchNormalization()(y)
y = layers.ReLU()(y)
y = layers.Add()([y, layers.Conv1D(8, 1)(inputs)])
y = layers.AveragePooling1D(2)(y)
y = layers.UpSampling1D(2)(layers.ZeroPadding1D(1)(y))
y = layers.Cropping1D((1, 3))(y)
y = layers.Flatten()(y)
classifier = keras.Model(inputs, layers.Dense(2, activation="softmax")(y))
classifier.compile(
    "adam", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]
)
labels = (x.mean(axis=(1, 2)) > 0).astype(int)
print("classifier", sorted(classifier.fit(x, labels, verbose=0).history), classifier.count_params())

"""Audio: spectra by `ops.stft`, residual blocks of Conv1D, speakers as classes."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(74)
RATE, CLASSES = 256, 3
rng = np.random.default_rng(0)
labels = rng.integers(0, CLASSES, size=36)
time = np.arange(RATE) / RATE
pitch = 20 * (labels + 1)[:, None] + rng.normal(size=(36, 1))
audio = (np.sin(2 * np.pi * pitch * time) + 0.1 * rng.normal(size=(36, RATE))).astype("float32")


def audio_to_fft(audio):
    real, imaginary = ops.fft((audio, ops.zeros_like(audio)))
    magnitude = ops.sqrt(ops.square(real) + ops.square(imaginary))
    return magnitude[:, : audio.shape[1] // 2]


class Spectrogram(layers.Layer):
    def __init__(self, window, step, **kwargs):
        super().__init__(**kwargs)
        self.window, self.step = window, step

    def call(self, audio):
        real, imaginary = ops.stft(audio, self.window, self.step, self.window)
        return ops.log1p(ops.sqrt(ops.square(real) + ops.square(imaginary) + 1e-9))


spectra = ops.convert_to_numpy(audio_to_fft(ops.convert_to_tensor(audio)))[..., None]
print(
    "spectra", spectra.shape, "peaks follow", bool(abs(spectra[0, :, 0].argmax() - pitch[0, 0]) < 2)
)


def residual_block(x, filters, conv_num=2, activation="relu"):
    s = layers.Conv1D(filters, 1, padding="same")(x)
    for _ in range(conv_num - 1):
        x = layers.Conv1D(filters, 3, padding="same")(x)
        x = layers.Activation(activation)(x)
    x = layers.Conv1D(filters, 3, padding="same")(x)
    x = layers.Add()([x, s])
    x = layers.Activation(activation)(x)
    return layers.MaxPooling1D(pool_size=2, strides=2)(x)


inputs = layers.Input(shape=(RATE // 2, 1), name="input")
x = residual_block(inputs, 4)
x = residual_block(x, 8, 3)
x = layers.AveragePooling1D(pool_size=3, strides=3)(x)
x = layers.Flatten()(x)
outputs = layers.Dense(CLASSES, activation="softmax", name="output")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer="Adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(spectra, labels, epochs=2, batch_size=12, verbose=0, validation_split=0.25)
print("logs", sorted(history.history), model.count_params())

model = keras.Sequential(
    [
        keras.Input((RATE,)),
        Spectrogram(32, 16),
        layers.Reshape((-1, 17, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(CLASSES),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=[keras.metrics.SparseCategoricalAccuracy()])
history = model.fit(audio, labels, epochs=1, batch_size=12, verbose=0)
print("raw", sorted(history.history), model.layers[0].output.shape, model.count_params())

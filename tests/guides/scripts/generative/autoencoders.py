"""Autoencoders: dense, with sparse codes, and convolutional that takes out noise."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(35)
rng = np.random.default_rng(0)
images = np.kron(rng.random((64, 4, 4, 1)), np.ones((1, 2, 2, 1))).astype("float32")
flat = images.reshape(64, 64)

inputs = keras.Input(shape=(64,))
encoded = layers.Dense(12, activation="relu", activity_regularizer="l1")(inputs)
decoded = layers.Dense(64, activation="sigmoid")(encoded)
autoencoder = keras.Model(inputs, decoded)
encoder = keras.Model(inputs, encoded)
codes = keras.Input(shape=(12,))
decoder = keras.Model(codes, autoencoder.layers[-1](codes))
autoencoder.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
history = autoencoder.fit(
    flat, flat, epochs=3, batch_size=16, verbose=0, validation_data=(flat, flat)
)
print("dense", sorted(history.history), autoencoder.count_params())
found = decoder.predict(encoder.predict(flat, verbose=0), verbose=0)
assert np.allclose(found, autoencoder.predict(flat, verbose=0), atol=1e-5)

noisy = np.clip(images + rng.normal(0, 0.3, images.shape), 0, 1).astype("float32")
inputs = keras.Input(shape=(8, 8, 1))
x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
x = layers.Conv2DTranspose(8, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)
denoiser = keras.Model(inputs, x)
denoiser.compile(optimizer="adam", loss="binary_crossentropy")
history = denoiser.fit(x=noisy, y=images, epochs=2, batch_size=16, shuffle=True, verbose=0)
print("convolutional", denoiser.count_params(), denoiser.predict(noisy, verbose=0).shape)
assert history.history["loss"][-1] < history.history["loss"][0]


class Autoencoder(keras.Model):
    """Sequential parts without an Input, in a model that is a class."""

    def __init__(self, latent):
        super().__init__()
        self.encoder = keras.Sequential([layers.Flatten(), layers.Dense(latent, activation="relu")])
        self.decoder = keras.Sequential(
            [layers.Dense(64, activation="sigmoid"), layers.Reshape((8, 8))]
        )

    def call(self, x):
        return self.decoder(self.encoder(x))


model = Autoencoder(5)
model.compile(optimizer="adam", loss=keras.losses.MeanSquaredError())
model.fit(images[..., 0], images[..., 0], epochs=1, verbose=0)
decoded = model.decoder(model.encoder(images[:3, ..., 0]))
print("class", model.count_params(), tuple(decoded.shape))

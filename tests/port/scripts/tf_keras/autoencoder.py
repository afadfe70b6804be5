"""A convolutional autoencoder, encoder and decoder as models of their own."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, losses
from tensorflow.keras.models import Model


class Denoise(Model):
    def __init__(self):
        super().__init__()
        self.encoder = tf.keras.Sequential(
            [
                layers.Input(shape=(8, 8, 1)),
                layers.Conv2D(6, (3, 3), activation="relu", padding="same", strides=2),
                layers.Conv2D(4, (3, 3), activation="relu", padding="same", strides=2),
            ]
        )
        self.decoder = tf.keras.Sequential(
            [
                layers.Conv2DTranspose(
                    4, kernel_size=3, strides=2, activation="relu", padding="same"
                ),
                layers.Conv2DTranspose(
                    6, kernel_size=3, strides=2, activation="relu", padding="same"
                ),
                layers.Conv2D(1, kernel_size=(3, 3), activation="sigmoid", padding="same"),
            ]
        )

    def call(self, x):
        return self.decoder(self.encoder(x))


x = np.random.RandomState(8).rand(16, 8, 8)[..., tf.newaxis].astype("float32")
noisy = tf.clip_by_value(x + 0.2 * np.sin(np.arange(1024)).reshape(x.shape), 0.0, 1.0)
autoencoder = Denoise()
autoencoder.compile(optimizer="adam", loss=losses.MeanSquaredError())
history = autoencoder.fit(noisy, x, epochs=3, batch_size=8, shuffle=False, verbose=0)
print(" ".join("%.6f" % value for value in history.history["loss"]))

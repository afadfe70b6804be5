"""Layers, losses and metrics of one's own, in the words of tf and of keras.backend."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import backend as K

layers = tf.keras.layers


class Linear(layers.Layer):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b


def huber_of_ours(y_true, y_pred, delta=1.0):
    error = tf.abs(y_true - y_pred)
    small = tf.square(error) / 2
    return tf.reduce_mean(tf.where(error < delta, small, delta * (error - delta / 2)), axis=-1)


def rmse(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true), axis=-1))


model = keras.Sequential([keras.Input((5,)), Linear(8), layers.LeakyReLU(alpha=0.1), Linear(2)])
model.compile(keras.optimizers.SGD(learning_rate=0.1, momentum=0.9), huber_of_ours, metrics=[rmse])
rng = np.random.RandomState(4)
x, y = rng.rand(32, 5).astype("float32"), rng.rand(32, 2).astype("float32") * 3
history = model.fit(x, y, epochs=4, batch_size=8, shuffle=False, verbose=0)
print("loss", " ".join("%.5f" % value for value in history.history["loss"]))
print("rmse", " ".join("%.5f" % value for value in history.history["rmse"]))

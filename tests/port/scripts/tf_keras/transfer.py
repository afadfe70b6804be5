"""Weights kept, layers frozen, a head of its own; names of Keras 2 here and there."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import initializers, optimizers
from tensorflow.keras.layers import Activation, Dense, GlobalAvgPool2D, MaxPool2D, SeparableConv2D

base = tf.keras.Sequential(
    [
        tf.keras.layers.InputLayer(input_shape=(8, 8, 3)),
        SeparableConv2D(4, 3, padding="same"),
        Activation("relu"),
        MaxPool2D(),
        GlobalAvgPool2D(),
    ],
    name="base",
)
base.trainable = False
inputs = tf.keras.Input(shape=(8, 8, 3))
x = base(inputs, training=False)
outputs = Dense(2, activation="softmax", kernel_initializer=initializers.HeNormal())(x)
model = tf.keras.Model(inputs, outputs)
model.compile(
    optimizer=optimizers.Adam(learning_rate=0.05),
    loss=tf.keras.losses.CategoricalCrossentropy(),
    metrics=[tf.keras.metrics.CategoricalAccuracy()],
)
rng = np.random.RandomState(10)
images, classes = rng.rand(16, 8, 8, 3).astype("float32"), rng.randint(0, 2, 16)
found = model.fit(
    images, tf.keras.utils.to_categorical(classes, 2), epochs=3, shuffle=False, verbose=0
)
print(len(model.trainable_weights), " ".join("%.5f" % value for value in found.history["loss"]))

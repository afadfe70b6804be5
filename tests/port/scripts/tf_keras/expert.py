"""A subclassed model, a tape in a tf.function, metrics by hand."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import Model
from tensorflow.keras.layers import Conv2D, Dense, Flatten

rng = np.random.RandomState(1)
images = rng.rand(32, 8, 8).astype("float32")[..., np.newaxis]
labels = rng.randint(0, 4, 32)


class MyModel(Model):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2D(6, 3, activation="relu")
        self.flatten = Flatten()
        self.d1 = Dense(16, activation="relu")
        self.d2 = Dense(4)

    def call(self, x):
        x = self.conv1(x)
        x = self.flatten(x)
        x = self.d1(x)
        return self.d2(x)


model = MyModel()
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam(0.01)
train_loss = tf.keras.metrics.Mean(name="train_loss")
train_accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name="train_accuracy")


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        # training=True is only needed for layers that behave differently.
        predictions = model(images, training=True)
        loss = loss_object(labels, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    train_loss(loss)
    train_accuracy(labels, predictions)


for epoch in range(3):
    train_loss.reset_state()
    train_accuracy.reset_state()
    for start in range(0, 32, 8):
        train_step(images[start : start + 8], labels[start : start + 8])
    print(
        "Epoch %d, loss %.5f, accuracy %.4f" % (epoch, train_loss.result(), train_accuracy.result())
    )

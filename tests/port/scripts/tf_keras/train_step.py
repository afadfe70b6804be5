"""fit with a train_step of one's own."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)

        trainable_vars = self.trainable_variables
        gradients = tape.gradient(loss, trainable_vars)
        self.optimizer.apply_gradients(zip(gradients, trainable_vars))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


inputs = keras.Input(shape=(6,))
outputs = layers.Dense(1)(layers.Dense(8, activation="tanh")(inputs))
model = CustomModel(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse", metrics=["mae"])
rng = np.random.RandomState(2)
x, y = rng.rand(40, 6).astype("float32"), rng.rand(40, 1).astype("float32")
history = model.fit(x, y, epochs=3, batch_size=10, shuffle=False, verbose=0)
print(sorted(history.history))
print(" ".join("%.5f" % value for value in history.history["mae"]))

"""TensorFlow as its guides write it: a tf.function for the step, GradientTape,
keras.optimizers.Adam, keras.metrics.

The model is made of Keras layers, which cost nothing inside the traced graph. The batch is gathered
inside the step: faster than a tf.data pipeline over samples.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from benchmarks import models
from benchmarks.workloads import LEARNING_RATE


class TensorFlow:
    def __init__(self, workload):
        keras.utils.set_random_seed(0)
        self.rng = np.random.default_rng(0)
        self.batch = workload.batch
        self.model = models.build(keras, workload, logits=True)
        self.optimizer = keras.optimizers.Adam(LEARNING_RATE)
        self.optimizer.build(self.model.trainable_variables)
        self.loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.mean_loss = keras.metrics.Mean()
        self.accuracy = keras.metrics.SparseCategoricalAccuracy()

    def _one_step(self, x, y, index):
        x, y = tf.gather(x, index), tf.gather(y, index)
        with tf.GradientTape() as tape:
            output = self.model(x, training=True)
            loss = self.loss_of(y, output)
        variables = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        self.mean_loss.update_state(loss)
        self.accuracy.update_state(y, output)

    _step = tf.function(_one_step)

    @tf.function
    def _test(self, x, y):
        output = self.model(x, training=False)
        self.mean_loss.update_state(self.loss_of(y, output))
        self.accuracy.update_state(y, output)

    @tf.function
    def _infer(self, x):
        return tf.nn.softmax(self.model(x, training=False))

    def _results(self):
        found = float(self.mean_loss.result()), float(self.accuracy.result())
        self.mean_loss.reset_state()
        self.accuracy.reset_state()
        return found

    def train(self, x, y, gate):
        x, y = tf.constant(x), tf.constant(y)
        for _ in range(gate.epochs):
            gate.begin()
            order = tf.constant(self.rng.permutation(len(x)).astype("int32"))
            for start in range(0, len(x), self.batch):
                self._step(x, y, order[start : start + self.batch])
            gate.end(*self._results())

    def predict(self, x, batch_size):
        return np.concatenate(
            [
                self._infer(tf.constant(x[i : i + batch_size])).numpy()
                for i in range(0, len(x), batch_size)
            ]
        )

    def evaluate(self, x, y, batch_size):
        for i in range(0, len(x), batch_size):
            self._test(tf.constant(x[i : i + batch_size]), tf.constant(y[i : i + batch_size]))
        return self._results()


class XlaTensorFlow(TensorFlow):
    def __init__(self, workload):
        super().__init__(workload)
        self._step = tf.function(self._one_step, jit_compile=True)

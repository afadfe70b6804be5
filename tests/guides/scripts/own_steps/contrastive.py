"""SimCLR-like pretraining with two views of each sample, then a linear probe on the encoder."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(25)
TEMPERATURE = 0.1


class View(layers.Layer):
    def __init__(self, deviation, **kwargs):
        super().__init__(**kwargs)
        self.noise = layers.GaussianNoise(deviation)
        self.mask = layers.Dropout(0.2)

    def call(self, x):
        return self.mask(self.noise(x, training=True), training=True)


class Contrastive(keras.Model):
    def __init__(self):
        super().__init__()
        self.augment = View(0.1)
        self.encoder = keras.Sequential(
            [keras.Input((10,)), layers.Dense(16, activation="relu"), layers.Dense(8)],
            name="encoder",
        )
        self.head = keras.Sequential(
            [keras.Input((8,)), layers.Dense(8, activation="relu"), layers.Dense(4)]
        )
        self.probe = keras.Sequential([keras.Input((8,)), layers.Dense(3)], name="probe")

    def compile(self, contrastive_optimizer, probe_optimizer, **kwargs):
        super().compile(**kwargs)
        self.contrastive_optimizer = contrastive_optimizer
        self.probe_optimizer = probe_optimizer
        self.probe_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.contrastive_loss = keras.metrics.Mean(name="c_loss")
        self.contrastive_accuracy = keras.metrics.SparseCategoricalAccuracy(name="c_acc")
        self.probe_accuracy = keras.metrics.SparseCategoricalAccuracy(name="p_acc")

    @property
    def metrics(self):
        return [self.contrastive_loss, self.contrastive_accuracy, self.probe_accuracy]

    def loss_of(self, one, two):
        one, two = ops.normalize(one, axis=1), ops.normalize(two, axis=1)
        similarities = ops.matmul(one, ops.transpose(two)) / TEMPERATURE
        labels = ops.arange(ops.shape(one)[0])
        self.contrastive_accuracy.update_state(labels, similarities)
        there = keras.losses.sparse_categorical_crossentropy(labels, similarities, from_logits=True)
        back = keras.losses.sparse_categorical_crossentropy(
            labels, ops.transpose(similarities), from_logits=True
        )
        return ops.mean(there + back) / 2

    def train_step(self, data):
        x, y = data
        views = self.augment(x), self.augment(x)
        variables = self.encoder.trainable_weights + self.head.trainable_weights
        loss, gradients = keras.value_and_grad(
            lambda: self.loss_of(*(self.head(self.encoder(view, training=True)) for view in views)),
            variables,
        )
        self.contrastive_optimizer.apply(gradients, variables)
        self.contrastive_loss.update_state(loss)

        features = self.encoder(x, training=False)
        _, gradients = keras.value_and_grad(
            lambda: self.probe_loss(y, self.probe(features, training=True)),
            self.probe.trainable_weights,
        )
        self.probe_optimizer.apply(gradients, self.probe.trainable_weights)
        self.probe_accuracy.update_state(y, self.probe(features))
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        x, y = data
        self.probe_accuracy.update_state(y, self.probe(self.encoder(x, training=False)))
        return {"p_acc": self.probe_accuracy.result()}


rng = np.random.default_rng(0)
y = rng.integers(0, 3, size=96)
x = (rng.normal(size=(96, 10)) * 0.3 + np.eye(3, 10)[y] * 2).astype("float32")
model = Contrastive()
model.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.05))
history = model.fit(x, y, batch_size=24, epochs=4, verbose=0, validation_data=(x, y))
print("logs", sorted(history.history))
print(f"loss {history.history['c_loss'][-1]:.3f} probe {history.history['p_acc'][-1]:.3f}")
assert history.history["c_loss"][-1] < history.history["c_loss"][0]

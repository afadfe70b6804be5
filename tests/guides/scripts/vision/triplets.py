"""Triplet loss: a distance layer with two outputs, and a step that has no targets."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(48)


class DistanceLayer(layers.Layer):
    def call(self, anchor, positive, negative):
        near = ops.sum(ops.square(anchor - positive), -1)
        far = ops.sum(ops.square(anchor - negative), -1)
        return near, far


base = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(6, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(8),
        layers.UnitNormalization(),
    ],
    name="embedding",
)
anchor, positive, negative = (
    keras.Input(name=name, shape=(8, 8, 1)) for name in ("anchor", "positive", "negative")
)
distances = DistanceLayer()(base(anchor), base(positive), base(negative))
network = keras.Model(inputs=[anchor, positive, negative], outputs=distances)


class SiameseModel(keras.Model):
    def __init__(self, siamese_network, margin=0.5):
        super().__init__()
        self.siamese_network, self.margin = siamese_network, margin
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def call(self, inputs):
        return self.siamese_network(inputs)

    def train_step(self, data):
        loss, gradients = keras.value_and_grad(
            lambda: self._compute_loss(data), self.siamese_network.trainable_weights
        )
        self.optimizer.apply_gradients(
            zip(gradients, self.siamese_network.trainable_weights, strict=True)
        )
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}

    def test_step(self, data):
        self.loss_tracker.update_state(self._compute_loss(data))
        return {"loss": self.loss_tracker.result()}

    def _compute_loss(self, data):
        near, far = self.siamese_network(data[0] if len(data) == 1 else data)
        return ops.mean(ops.maximum(near - far + self.margin, 0.0))

    @property
    def metrics(self):
        return [self.loss_tracker]


rng = np.random.default_rng(0)
pattern = rng.random((2, 8, 8, 1))
y = rng.integers(0, 2, size=32)
noise = [rng.random((32, 8, 8, 1)) * 0.5 for _ in range(3)]
triplets = [
    (pattern[kind] + n).astype("float32") for kind, n in zip((y, y, 1 - y), noise, strict=True)
]
model = SiameseModel(network)
model.compile(optimizer=keras.optimizers.Adam(0.003))
history = model.fit(triplets, epochs=4, batch_size=8, verbose=0, validation_data=(triplets,))
print("logs", sorted(history.history), f"{history.history['loss'][-1]:.3f}")
assert history.history["loss"][-1] < history.history["loss"][0]
embedded = [base(x) for x in triplets]
cosine = keras.metrics.CosineSimilarity()
cosine.update_state(embedded[0], embedded[1])
near = float(cosine.result())
cosine.reset_state()
cosine.update_state(embedded[0], embedded[2])
print("nearer", near > float(cosine.result()))

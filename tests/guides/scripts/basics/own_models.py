"""Subclassed models: layers in lists and dicts, the training flag, a summary, saved weights."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(5)


class Tower(keras.Model):
    def __init__(self, depth=2, width=8, classes=3, **kwargs):
        super().__init__(**kwargs)
        self.depth, self.width, self.classes = depth, width, classes
        self.body = [layers.Dense(width, activation="relu") for _ in range(depth)]
        self.heads = {"class": layers.Dense(classes), "value": layers.Dense(1)}
        self.normalize = layers.BatchNormalization()
        self.dropout = layers.Dropout(0.3)

    def call(self, inputs, training=False):
        x = self.normalize(inputs, training=training)
        for layer in self.body:
            x = layer(x)
            if training:
                x = self.dropout(x, training=training)
        return {name: head(x) for name, head in self.heads.items()}

    def get_config(self):
        return {
            **super().get_config(),
            "depth": self.depth,
            "width": self.width,
            "classes": self.classes,
        }


model = Tower(name="tower")
model.compile(
    optimizer="adam",
    loss={
        "class": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "value": "mean_squared_error",
    },
    metrics={"class": "accuracy"},
)
rng = np.random.default_rng(0)
x = rng.normal(size=(48, 6)).astype("float32")
y = {"class": rng.integers(0, 3, size=48), "value": x[:, :1]}
history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
print("logs", sorted(history.history))
model.summary()
print("parameters", model.count_params(), "trainable", len(model.trainable_weights))

model.save_weights("tower.weights.h5")
other = Tower.from_config(model.get_config())
other(x[:1])  # makes the weights
other.load_weights("tower.weights.h5")
ours, theirs = model.predict(x, verbose=0), other.predict(x, verbose=0)
assert all(np.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
print("shapes", {name: array.shape for name, array in sorted(ours.items())})

"""Losses and metrics of one's own as functions and classes, and those that a layer adds."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(11)


def mean_fourth_power(y_true, y_pred):
    return ops.mean(ops.square(ops.square(y_true - y_pred)), axis=-1)


class Pinched(keras.losses.Loss):
    def __init__(self, factor=0.1, name="pinched", **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor

    def call(self, y_true, y_pred):
        error = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return error + self.factor * ops.mean(ops.square(0.5 - y_pred), axis=-1)


class TruePositives(keras.metrics.Metric):
    def __init__(self, name="true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        guess = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        hits = ops.cast(y_true, "int32") == ops.cast(guess, "int32")
        hits = ops.cast(hits, "float32")
        if sample_weight is not None:
            hits = hits * ops.cast(sample_weight, "float32")
        self.count.assign_add(ops.sum(hits))

    def result(self):
        return self.count

    def reset_state(self):
        self.count.assign(0.0)


def largest_error(y_true, y_pred):
    return ops.max(ops.abs(y_true - y_pred), axis=-1)


rng = np.random.default_rng(0)
x = rng.normal(size=(48, 6)).astype("float32")
classes = rng.integers(0, 3, size=(48, 1))
one_hot = keras.utils.to_categorical(classes, 3)


def make(**compiled):
    model = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)])
    model.compile(keras.optimizers.Adam(1e-2), **compiled)
    return model


def fitted(y, **compiled):
    logs = make(**compiled).fit(x, y, epochs=2, batch_size=16, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    return sorted(logs)


print("function", fitted(one_hot, loss=mean_fourth_power, metrics=[largest_error]))
print(
    "class", fitted(one_hot, loss=Pinched(), metrics=["mae", keras.metrics.CategoricalAccuracy()])
)
sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
print("metric", fitted(classes, loss=sparse, metrics=[TruePositives()]))
print("weighted", fitted(classes, loss=sparse, weighted_metrics=["sparse_categorical_accuracy"]))

metric = TruePositives()
for _ in range(2):
    metric.update_state([[0], [1], [2]], np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]]))
print("state", float(metric.result()), metric.name)
metric.reset_state()
print("reset", float(metric.result()))
print("value", f"{float(Pinched()(ops.zeros((2, 2)), ops.ones((2, 2)))):.4f}")


class Endpoint(layers.Layer):
    """The loss within the model: compile gets none."""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
        self.accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)

    def call(self, logits, targets=None, sample_weight=None):
        if targets is not None:
            self.add_loss(self.loss_fn(targets, logits, sample_weight))
            self.accuracy.update_state(targets, logits, sample_weight)
        return ops.sigmoid(logits)


inputs = keras.Input(shape=(6,), name="inputs")
targets = keras.Input(shape=(1,), name="targets")
model = keras.Model([inputs, targets], Endpoint()(layers.Dense(1)(inputs), targets))
model.compile("adam")
logs = model.fit({"inputs": x, "targets": (x[:, :1] > 0).astype("float32")}, epochs=1, verbose=0)
print("endpoint", sorted(logs.history))

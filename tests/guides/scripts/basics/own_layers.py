"""Layers of one's own: weights, delayed build, nesting, losses of layers, the training flag."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(4)


class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units})
        return config


class ComputeSum(layers.Layer):
    def __init__(self, input_dim):
        super().__init__()
        self.total = self.add_weight(
            initializer="zeros", shape=(input_dim,), trainable=False, name="total"
        )

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


class ActivityRegularization(layers.Layer):
    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * ops.mean(inputs))
        return inputs


class MLPBlock(layers.Layer):
    def __init__(self):
        super().__init__()
        self.one = Linear(8)
        self.drop = layers.Dropout(0.5)
        self.regularize = ActivityRegularization()
        self.two = Linear(1)

    def call(self, inputs, training=None):
        x = keras.activations.relu(self.one(inputs))
        x = self.drop(x, training=training)
        return self.two(self.regularize(x))


counter = ComputeSum(2)
for _ in range(2):
    total = counter(np.ones((2, 2), "float32"))
print("sum", ops.convert_to_numpy(total).tolist(), len(counter.trainable_weights))

layer = Linear(4, name="linear")
print("weights before", len(layer.weights))
layer(np.zeros((2, 3), "float32"))
print("after", [tuple(w.shape) for w in layer.weights])
again = Linear.from_config(layer.get_config())
print("from config", again.name, again.units, again.trainable, again.dtype)

block = MLPBlock()
block(np.ones((3, 5), "float32"))
print("of block", len(block.weights), "losses", len(block.losses))
block(np.ones((3, 5), "float32"))
print("losses of the last call", len(block.losses))

inputs = keras.Input(shape=(5,))
model = keras.Model(inputs, MLPBlock()(inputs))
model.compile(optimizer="adam", loss="mse")
x = np.random.default_rng(0).random((64, 5)).astype("float32")
history = model.fit(x, x[:, :1], epochs=2, verbose=0)
print(f"loss {history.history['loss'][-1]:.4f}", "parameters", model.count_params())

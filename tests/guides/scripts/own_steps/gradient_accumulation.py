"""Gradients added over several small batches by hand, and a clipped, delayed update."""

import numpy as np

import unidl as keras
from unidl import layers, ops


class Accumulating(keras.Model):
    def __init__(self, *args, parts=4, **kwargs):
        super().__init__(*args, **kwargs)
        self.parts = parts
        self.seen = keras.metrics.Mean(name="loss")

    def train_step(self, data):
        x, y = data
        size = x.shape[0] // self.parts
        total = [ops.zeros(w.shape) for w in self.trainable_variables]
        losses = []
        for i in range(self.parts):
            rows = slice(i * size, (i + 1) * size)
            loss, gradients = keras.value_and_grad(
                lambda rows=rows: self.compute_loss(x[rows], y[rows], self(x[rows], training=True)),
                self.trainable_variables,
            )
            losses.append(loss)
            total = [t + g / self.parts for t, g in zip(total, gradients, strict=True)]
        norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in total))
        total = [g * ops.minimum(1.0, 5.0 / norm) for g in total]
        self.optimizer.apply(total, self.trainable_variables)
        self.seen.update_state(ops.mean(ops.stack(losses)))
        return {"loss": self.seen.result(), "norm": norm}

    @property
    def metrics(self):
        return [self.seen]


def run(make):
    inputs = keras.Input((4,))
    outputs = layers.Dense(1, kernel_initializer="ones")(inputs)
    model = make(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    history = model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0).history
    return np.round(model.get_weights()[0][:, 0], 4).tolist(), sorted(history)


x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x @ np.array([[1.0], [0.0], [2.0], [-1.0]], "float32")
print("by hand", *run(Accumulating))
print("by fit", *run(keras.Model))

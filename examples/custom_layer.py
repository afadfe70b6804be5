"""A layer of one's own: weights in build(), the computation in call(), written once for every
backend."""

from common import arguments, load_images

import unidl
from unidl import layers, ops

args = arguments(epochs=5)
unidl.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = load_images(args)


class GatedDense(unidl.Layer):
    """A dense layer whose outputs are switched by a gate: (x W + b) * sigmoid(x V + c) (Dauphin et
    al., arXiv:1612.08083)."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            (input_shape[-1], 2 * self.units), "glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight((2 * self.units,), "zeros", name="bias")

    def call(self, inputs):
        value, gate = ops.split(ops.matmul(inputs, self.kernel) + self.bias, 2, axis=-1)
        return value * ops.sigmoid(gate)


model = unidl.Sequential(
    [
        unidl.Input(shape=(28, 28)),
        layers.Flatten(),
        GatedDense(64),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=args.epochs, batch_size=32)
print("test loss and accuracy:", model.evaluate(x_test, y_test, verbose=0))

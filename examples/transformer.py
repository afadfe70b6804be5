"""A small transformer learns to reverse a sequence of symbols."""

import numpy as np
from common import arguments

import unidl
from unidl import layers

args = arguments(epochs=20)
unidl.utils.set_random_seed(3)
length, symbols, width = 8, 10, 32

x = np.random.default_rng(0).integers(0, symbols, (args.samples or 3000, length))
y = x[:, ::-1].copy()


class Positions(unidl.Layer):
    """Adds a learned vector for each place in the sequence."""

    def build(self, input_shape):
        self.table = self.add_weight(input_shape[1:], "uniform", name="table")

    def call(self, inputs):
        return unidl.ops.add(inputs, self.table)


def block(x):
    """Attention and a small MLP, each behind a normalization and beside a shortcut."""
    h = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(num_heads=4, key_dim=width // 4)(h, h)])
    h = layers.Dense(2 * width, activation="gelu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dropout(0.1)(layers.Dense(width)(h))])


inputs = unidl.Input(shape=(length,), dtype="int32")
h = Positions()(layers.Embedding(symbols, width)(inputs))
for _ in range(2):
    h = block(h)
model = unidl.Model(
    inputs, layers.Dense(symbols, activation="softmax")(layers.LayerNormalization()(h))
)
model.compile(
    optimizer=unidl.optimizers.Adam(0.003),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(x, y, epochs=args.epochs, batch_size=64, validation_split=0.1)
print(f"validation accuracy: {history.history['val_accuracy'][-1]:.3f} (guessing gives 0.1)")

"""An LSTM learns to add the two marked numbers of a sequence (Hochreiter & Schmidhuber 1997),
padded and masked."""

import numpy as np
from common import arguments

import unidl
from unidl import layers

args = arguments(epochs=15)
unidl.utils.set_random_seed(1)


def make_data(samples, length, seed):
    """Sequences of (value, mark), zero-padded at the end, and the sum of the two marked values."""
    rng = np.random.default_rng(seed)
    x, y = np.zeros((samples, length, 2), "float32"), np.zeros((samples, 1), "float32")
    for i in range(samples):
        steps = rng.integers(length // 2, length + 1)
        x[i, :steps, 0] = rng.uniform(0.1, 1, steps)
        marks = rng.choice(steps, 2, replace=False)
        x[i, marks, 1] = 1
        y[i] = x[i, marks, 0].sum()
    return x, y


x, y = make_data(args.samples or 4000, 12, seed=0)
inputs = unidl.Input(shape=(12, 2))
real = unidl.ops.any(unidl.ops.not_equal(inputs, 0.0), axis=-1)
state = layers.LSTM(32)(inputs, mask=real)
model = unidl.Model(inputs, layers.Dense(1)(state))
model.compile(optimizer=unidl.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
history = model.fit(x, y, epochs=args.epochs, batch_size=64, validation_split=0.1)
print(
    f"validation error: from {history.history['val_mae'][0]:.3f} to "
    f"{history.history['val_mae'][-1]:.3f} (guessing the mean gives 0.30)"
)

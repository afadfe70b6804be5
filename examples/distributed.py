"""One run in several processes: the same numbers as in one.

unidl launch -n 2 examples/distributed.py
unidl launch -n 2 --backend torch examples/distributed.py
python examples/distributed.py --alone
"""

import sys

import numpy as np

import unidl
from unidl import layers

if "--alone" not in sys.argv:
    unidl.distribution.initialize()
    unidl.distribution.set_distribution(unidl.distribution.DataParallel())

unidl.utils.set_random_seed(7)
(x, y), (x_test, y_test) = unidl.datasets.digits.load_data()
x, x_test = (a[..., None].astype("float32") / 16 for a in (x, x_test))

model = unidl.Sequential(
    [
        unidl.Input(shape=(8, 8, 1)),
        layers.Conv2D(16, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, batch_size=50, verbose=2)  # 50 rows in all processes together
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)

if unidl.get_backend().process_id == 0:
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    print(f"test accuracy {accuracy:.4f}, loss {loss:.6f}, sum of all weights {weights.sum():.5f}")

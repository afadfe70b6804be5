"""The demo: a convolutional network learns the handwritten digits that ship with unidl, on whatever
backend is active."""

import time

import numpy as np
from common import arguments
from rich.console import Console
from rich.table import Table

import unidl
from unidl import layers

args = arguments(epochs=12)
unidl.utils.set_random_seed(7)
(x_train, y_train), (x_test, y_test) = unidl.datasets.digits.load_data()
# 8x8 pixels of 0 to 16, a channel axis, and every pixel doubled, so that two poolings leave
# something to look at.
x_train, x_test = (
    np.kron(x / 16, np.ones((1, 2, 2)))[..., None].astype("float32") for x in (x_train, x_test)
)
x_train, y_train = x_train[: args.samples], y_train[: args.samples]

model = unidl.Sequential(
    [
        unidl.Input(shape=(16, 16, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
start = time.perf_counter()
model.fit(x_train, y_train, epochs=args.epochs, batch_size=32, verbose=1)
seconds = time.perf_counter() - start
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)

shades = " .:-=+*#%@"
guesses = model.predict(x_test[:4], verbose=0)
table = Table(title="Four test images and what the model says")
for label in y_test[:4]:
    table.add_column(f"is {label}", no_wrap=True, width=16)
pictures = [
    "\n".join("".join(shades[int(v * 9)] * 2 for v in row) for row in image[::2, ::2, 0])
    for image in x_test[:4]
]
table.add_row(*pictures)
table.add_row(*(f"says {g.argmax()} ({g.max():.0%})" for g in guesses))
Console().print(table)
print(f"{model.backend.name}: test accuracy {accuracy:.4f}, trained in {seconds:.1f} s")

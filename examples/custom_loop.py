"""A training loop of one's own, the same on every backend."""

from common import arguments, load_images

import unidl
from unidl import layers, ops

args = arguments(epochs=2)
unidl.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = load_images(args)

model = unidl.Sequential(
    [
        unidl.Input(shape=(28, 28)),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ]
)
optimizer = unidl.optimizers.Adam(0.001)
loss_of = unidl.losses.SparseCategoricalCrossentropy(from_logits=True)

for epoch in range(args.epochs):
    for i in range(0, len(x_train), 64):
        x, y = x_train[i : i + 64], y_train[i : i + 64]
        loss, gradients = unidl.value_and_grad(
            lambda x=x, y=y: loss_of(y, model(x, training=True)), model.trainable_variables
        )
        optimizer.apply(gradients, model.trainable_variables)
    guesses = ops.convert_to_numpy(ops.argmax(model(x_test), axis=-1))
    print(
        f"epoch {epoch + 1}: loss {float(ops.convert_to_numpy(loss)):.4f}, test accuracy "
        f"{(guesses == y_test).mean():.4f}"
    )

"""The MLP of MXNet's Gluon tutorial: Dense 64 with relu, Dense 10, softmax cross-entropy on the
logits."""

from common import arguments, load_images

import unidl
from unidl import layers

args = arguments(epochs=5)
(x_train, y_train), (x_test, y_test) = load_images(args)

net = unidl.Sequential([layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)])
net.compile(
    optimizer=unidl.optimizers.SGD(learning_rate=0.1),
    loss=unidl.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
net.fit(x_train, y_train, epochs=args.epochs, batch_size=64)
print("test loss and accuracy:", net.evaluate(x_test, y_test, verbose=0))

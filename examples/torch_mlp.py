"""The model of a PyTorch tutorial, nn.Linear, ReLU, nn.Linear, softmax, with plain SGD at 0.01."""

from common import arguments, load_images

import unidl
from unidl import layers

args = arguments(epochs=10)
(x_train, y_train), (x_test, y_test) = load_images(args)
x_train, x_test = x_train.reshape(-1, 784), x_test.reshape(-1, 784)

inputs = unidl.Input(shape=(784,))
hidden = layers.ReLU()(layers.Dense(128)(inputs))
outputs = layers.Softmax()(layers.Dense(10)(hidden))
model = unidl.Model(inputs, outputs)

model.compile(
    optimizer=unidl.optimizers.SGD(learning_rate=0.01),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, epochs=args.epochs, batch_size=16)
print("test loss and accuracy:", model.evaluate(x_test, y_test, verbose=0))

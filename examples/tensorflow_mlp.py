"""The MLP 784-64-10 as a TensorFlow tutorial writes it, with logits and a loss object."""

from common import arguments, load_images

import unidl as keras

args = arguments(epochs=5)
(x_train, y_train), (x_test, y_test) = load_images(args)

model = keras.Sequential(
    [
        keras.layers.Flatten(input_shape=(28, 28)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.001),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
model.fit(x_train, y_train, epochs=args.epochs, batch_size=32)
print("test loss and accuracy:", model.evaluate(x_test, y_test, verbose=0))

"""A convolutional network of Keras, in mid-training, moved to unidl, trained on, and left as plain
torch source: every step with its proof.

    python keras_to_torch.py
"""

import tempfile
from pathlib import Path

import keras
from common import arguments, load_images

import unidl


def keras_model():
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(8, 3, activation="relu", name="conv1"),
            keras.layers.MaxPooling2D(name="pool1"),
            keras.layers.BatchNormalization(momentum=0.8, name="norm"),
            keras.layers.Conv2D(16, 3, activation="relu", name="conv2"),
            keras.layers.MaxPooling2D(name="pool2"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(10, name="logits"),
        ],
        name="digits",
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def main():
    args = arguments(epochs=2)
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = load_images(args)
    x, x_test = x[..., None], x_test[..., None]

    theirs = keras_model()
    theirs.fit(x, y, epochs=args.epochs, batch_size=32, verbose=0)
    print("Keras, test accuracy", round(theirs.evaluate(x_test, y_test, verbose=0)[1], 3))

    found = unidl.port.from_keras(theirs)  # with Adam's moments and its count of steps
    print(found.proof)
    found.model.fit(x, y, epochs=args.epochs, batch_size=32, verbose=0)
    print("unidl, test accuracy", round(found.model.evaluate(x_test, y_test, verbose=0)[1], 3))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.py")
        print(unidl.port.to_source(found.model, "torch", path))
        print(path.read_text().partition("def load(")[0])


if __name__ == "__main__":
    main()

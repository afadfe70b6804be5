"""The CNN of the Keras and TensorFlow guides. The import is the only line that differs from
tf.keras."""

from common import arguments, load_images

import unidl as keras

args = arguments(epochs=3)
(x_train, y_train), (x_test, y_test) = load_images(args)

model = keras.models.Sequential(
    [
        keras.layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D((2, 2)),
        keras.layers.Conv2D(64, (3, 3), activation="relu"),
        keras.layers.MaxPooling2D((2, 2)),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train[..., None], y_train, epochs=args.epochs, batch_size=64)
print("test loss and accuracy:", model.evaluate(x_test[..., None], y_test, verbose=0))

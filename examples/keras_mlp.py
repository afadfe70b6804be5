"""The MLP of the older Keras guides: one-hot targets, dropout, and `input_shape=` on the first
layer."""

from common import arguments, load_images

import unidl as keras

args = arguments(epochs=5)
(x_train, y_train), (x_test, y_test) = load_images(args)
x_train, x_test = x_train.reshape(-1, 784), x_test.reshape(-1, 784)
y_train, y_test = keras.utils.to_categorical(y_train, 10), keras.utils.to_categorical(y_test, 10)

model = keras.models.Sequential()
model.add(keras.layers.Dense(512, activation="relu", input_shape=(784,)))
model.add(keras.layers.Dropout(0.2))
model.add(keras.layers.Dense(512, activation="relu"))
model.add(keras.layers.Dropout(0.2))
model.add(keras.layers.Dense(10, activation="softmax"))
model.compile(
    loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(), metrics=["accuracy"]
)
model.fit(x_train, y_train, batch_size=128, epochs=args.epochs, validation_split=0.1)
print("test loss and accuracy:", model.evaluate(x_test, y_test, verbose=0))

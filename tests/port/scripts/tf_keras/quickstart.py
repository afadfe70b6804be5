"""The first tutorial: a Sequential model, compile and fit."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
x_train, y_train = rng.rand(64, 8, 8).astype("float32"), rng.randint(0, 10, 64)

model = tf.keras.models.Sequential(
    [
        tf.keras.layers.Flatten(input_shape=(8, 8)),
        tf.keras.layers.Dense(32, activation="relu"),
        tf.keras.layers.Dropout(0.0),
        tf.keras.layers.Dense(10),
    ]
)
predictions = model(x_train[:1]).numpy()
print("sum %.5f" % tf.nn.softmax(predictions).numpy().sum())
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
print("loss %.5f" % loss_fn(y_train[:1], predictions).numpy())
model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=3, batch_size=16, shuffle=False, verbose=0)
for loss in history.history["loss"]:
    print("loss %.5f" % loss)
print("evaluated %.5f" % model.evaluate(x_train, y_train, verbose=0)[0])

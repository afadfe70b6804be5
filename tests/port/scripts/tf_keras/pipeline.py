"""fit from a pipeline of arrays: shuffled, batched, and with a part held back."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

AUTOTUNE = tf.data.AUTOTUNE
BATCH = 16

rng = np.random.RandomState(30)
images = rng.randint(0, 256, size=(48, 6, 6, 1)).astype("uint8")
labels = (images.mean(axis=(1, 2, 3)) > 127).astype("int32")


def normalize_img(image, label):
    """Normalizes images: `uint8` -> `float32`."""
    return tf.cast(image, tf.float32) / 255.0, label


dataset = tf.data.Dataset.from_tensor_slices((images, labels))
ds_train = dataset.take(32)
ds_test = dataset.skip(32)

ds_train = ds_train.map(normalize_img, num_parallel_calls=AUTOTUNE)
ds_train = ds_train.cache()
ds_train = ds_train.shuffle(1)
ds_train = ds_train.batch(BATCH)
ds_train = ds_train.prefetch(AUTOTUNE)

ds_test = (
    ds_test.map(normalize_img)
    .batch(BATCH, drop_remainder=True)
    .cache()
    .prefetch(buffer_size=tf.data.experimental.AUTOTUNE)
)

model = keras.Sequential(
    [
        keras.layers.Flatten(input_shape=(6, 6, 1)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(2),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
history = model.fit(ds_train, epochs=3, validation_data=ds_test, verbose=0).history
for name in ("loss", "val_loss", "sparse_categorical_accuracy"):
    print(name, " ".join("%.5f" % value for value in history[name]))
history = model.fit(ds_train.repeat(), steps_per_epoch=2, epochs=2, verbose=0).history
print("steps", " ".join("%.5f" % value for value in history["loss"]))
print("evaluated %.5f" % model.evaluate(ds_test, verbose=0)[0], len(ds_train), len(ds_test))

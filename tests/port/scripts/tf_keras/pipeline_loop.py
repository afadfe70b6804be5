"""A loop of one's own over a pipeline of several arrays in a dict, with batches that are changed."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(31)
features = {"size": rng.rand(20, 1), "place": rng.rand(20, 2).astype("float32")}
price = (features["size"][:, 0] * 3 + features["place"].sum(axis=1)).astype("float32")


def make_dataset(features, price, training):
    ds = tf.data.Dataset.from_tensor_slices((features, price))
    if training:
        ds = ds.shuffle(buffer_size=20, seed=1).repeat(2)
    return ds.batch(20)


def joined(x, y):
    return tf.concat([tf.cast(x["size"], tf.float32), x["place"]], axis=1), y[:, tf.newaxis]


train = make_dataset(features, price, training=True).map(joined)
small = make_dataset(features, price, False).map(lambda x, y: x["place"]).take(1)

model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
optimizer = tf.keras.optimizers.SGD(0.1)
for epoch in range(2):
    for step, (x, y) in enumerate(train):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        print("epoch %d step %d: %.5f" % (epoch, step, float(loss)), x.shape[0])
for place in small:
    print(tuple(place.shape), "%.5f" % place.numpy().sum())
pairs = tf.data.Dataset.zip(
    (small, tf.data.Dataset.from_tensor_slices([1, 2, 3]).filter(lambda n: n > 1))
)
print([int(n) for _, n in pairs], next(iter(pairs))[0].shape[1])

"""Siamese networks: a shared encoder, a distance as a layer, contrastive loss, saved and loaded."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(47)


def make_pairs(x, y, rng):
    pairs, labels = [], []
    places = [np.where(y == i)[0] for i in range(y.max() + 1)]
    for i in range(len(x)):
        pairs.append([x[i], x[rng.choice(places[y[i]])]])
        labels.append(0)
        pairs.append([x[i], x[rng.choice(places[(y[i] + 1) % len(places)])]])
        labels.append(1)
    return np.array(pairs), np.array(labels).astype("float32")


@keras.saving.register_keras_serializable(package="guides")
def euclidean_distance(vects):
    x, y = vects
    sum_square = ops.sum(ops.square(x - y), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(sum_square, keras.backend.epsilon()))


def contrastive_loss(margin=1):
    def loss(y_true, y_pred):
        square_pred = ops.square(y_pred)
        margin_square = ops.square(ops.maximum(margin - y_pred, 0))
        return ops.mean((1 - y_true) * square_pred + y_true * margin_square)

    return loss


rng = np.random.default_rng(0)
y = rng.integers(0, 3, size=24)
x = (rng.random((24, 8, 8, 1)) * 0.5 + y[:, None, None, None]).astype("float32")
pairs, labels = make_pairs(x, y, rng)
print("pairs", pairs.shape, labels.shape)

image = keras.Input((8, 8, 1))
z = layers.BatchNormalization()(image)
z = layers.Conv2D(4, (3, 3), activation="tanh")(z)
z = layers.AveragePooling2D(pool_size=(2, 2))(z)
z = layers.Flatten()(z)
z = layers.BatchNormalization()(z)
embedding_network = keras.Model(image, layers.Dense(6, activation="tanh")(z), name="embedding")

input_1, input_2 = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
towers = [embedding_network(input_1), embedding_network(input_2)]
merge = layers.Lambda(euclidean_distance, output_shape=(1,))(towers)
normal = layers.BatchNormalization()(merge)
siamese = keras.Model([input_1, input_2], layers.Dense(1, activation="sigmoid")(normal))
siamese.compile(loss=contrastive_loss(margin=1), optimizer="RMSprop", metrics=["accuracy"])
history = siamese.fit(
    [pairs[:, 0], pairs[:, 1]], labels, batch_size=16, epochs=2, verbose=0, validation_split=0.25
)
print("logs", sorted(history.history), siamese.count_params(), len(siamese.layers))
siamese.save("siamese.keras")
again = keras.models.load_model("siamese.keras", compile=False)
one, two = pairs[:5, 0], pairs[:5, 1]
assert np.allclose(
    again.predict([one, two], verbose=0), siamese.predict([one, two], verbose=0), atol=1e-5
)
print("embedded", embedding_network.predict(x, verbose=0).shape, again.compiled)

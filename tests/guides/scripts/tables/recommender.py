"""A recommender: embeddings of users and films, a dot product with biases, a subclassed model."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(82)
USERS, FILMS, WIDTH = 12, 15, 4
rng = np.random.default_rng(0)
x = np.stack([rng.integers(0, USERS, size=120), rng.integers(0, FILMS, size=120)], axis=1)
y = ((x.sum(axis=1) % 5) / 4).astype("float32")


class RecommenderNet(keras.Model):
    def __init__(self, num_users, num_movies, embedding_size, **kwargs):
        super().__init__(**kwargs)
        self.user_embedding = layers.Embedding(
            num_users,
            embedding_size,
            embeddings_initializer="he_normal",
            embeddings_regularizer=keras.regularizers.l2(1e-6),
        )
        self.user_bias = layers.Embedding(num_users, 1)
        self.movie_embedding = layers.Embedding(
            num_movies,
            embedding_size,
            embeddings_initializer="he_normal",
            embeddings_regularizer=keras.regularizers.l2(1e-6),
        )
        self.movie_bias = layers.Embedding(num_movies, 1)

    def call(self, inputs):
        user_vector = self.user_embedding(inputs[:, 0])
        user_bias = self.user_bias(inputs[:, 0])
        movie_vector = self.movie_embedding(inputs[:, 1])
        movie_bias = self.movie_bias(inputs[:, 1])
        dot = ops.sum(user_vector * movie_vector, axis=1, keepdims=True)
        return ops.sigmoid(dot + user_bias + movie_bias)


model = RecommenderNet(USERS, FILMS, WIDTH)
model.compile(
    loss=keras.losses.BinaryCrossentropy(), optimizer=keras.optimizers.Adam(learning_rate=0.01)
)
history = model.fit(x, y, batch_size=32, epochs=2, validation_data=(x, y), verbose=0)
print("logs", sorted(history.history), model.count_params())
assert history.history["loss"][-1] < history.history["loss"][0]
ratings = model.predict(np.stack([np.zeros(FILMS, int), np.arange(FILMS)], axis=1), verbose=0)
print("top", ratings.flatten().argsort()[-3:][::-1].shape, len(model.losses))

# Two towers by the functional API, and the nearest films of a user.
user, film = (
    keras.Input((), name="user", dtype="int32"),
    keras.Input((), name="film", dtype="int32"),
)
users, films = layers.Embedding(USERS, WIDTH), layers.Embedding(FILMS, WIDTH)
score = layers.Dot(axes=1, normalize=True)([users(user), films(film)])
towers = keras.Model([user, film], score)
towers.compile("adagrad", keras.losses.CosineSimilarity(axis=0), metrics=["mse"])
print("towers", sorted(towers.fit([x[:, 0], x[:, 1]], y, verbose=0).history), towers.count_params())
table, chosen = films.get_weights()[0], users.get_weights()[0][3]
_, nearest = ops.top_k(ops.matmul(table, chosen), k=4)
print("nearest", tuple(nearest.shape))

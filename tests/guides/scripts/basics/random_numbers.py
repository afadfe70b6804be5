"""`keras.random`: seeds that repeat, generators that go on, and layers that draw."""

import numpy as np

import unidl as keras
from unidl import layers, ops

a = keras.random.normal((2, 3), seed=1337)
b = keras.random.normal((2, 3), seed=1337)
print("an integer seed repeats", np.array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b)))

generator = keras.random.SeedGenerator(1337)
a = ops.convert_to_numpy(keras.random.normal((2, 3), seed=generator))
b = ops.convert_to_numpy(keras.random.normal((2, 3), seed=generator))
print("a generator goes on", not np.array_equal(a, b))


class Noisy(layers.Layer):
    def __init__(self, deviation, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.deviation = deviation
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        noise = keras.random.normal(ops.shape(x), seed=self.seed_generator)
        return x + self.deviation * noise


x = np.zeros((64, 5), "float32")
one, two = Noisy(0.1, seed=3), Noisy(0.1, seed=3)
first, second = (ops.convert_to_numpy(layer(x, training=True)) for layer in (one, two))
print("same seed, same noise", np.array_equal(first, second), "inference", float(ops.max(one(x))))
next_one = ops.convert_to_numpy(one(x, training=True))
print("next call differs", not np.array_equal(first, next_one))

draws = {
    "uniform": keras.random.uniform((200,), minval=-1, maxval=1, seed=1),
    "truncated": keras.random.truncated_normal((200,), stddev=0.5, seed=1),
    "randint": keras.random.randint((200,), 0, 10, seed=1),
    "gamma": keras.random.gamma((200,), alpha=2.0, seed=1),
    "beta": keras.random.beta((200,), alpha=2.0, beta=2.0, seed=1),
    "binomial": keras.random.binomial((200,), counts=4, probabilities=0.5, seed=1),
    "categorical": keras.random.categorical(ops.log(ops.array([[0.2, 0.8]])), 200, seed=1),
    "shuffled": keras.random.shuffle(ops.arange(200), seed=1),
}
for name, values in draws.items():
    values = ops.convert_to_numpy(values)
    print(name, values.shape, "in bounds", bool(abs(values).max() < 200))
keras.utils.set_random_seed(1)
first = layers.Dense(3)
first.build((None, 2))
keras.utils.set_random_seed(1)
second = layers.Dense(3)
second.build((None, 2))
print("weights repeat", np.array_equal(first.get_weights()[0], second.get_weights()[0]))

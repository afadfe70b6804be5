"""What a model does not know: quantiles, a mean and a variance, dropout while predicting."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(84)
rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, size=(200, 1)).astype("float32")
y = (np.sin(2 * x) + rng.normal(size=x.shape) * 0.1 * (2 + x)).astype("float32")


class QuantileLoss(keras.losses.Loss):
    def __init__(self, quantiles, name="quantile_loss", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.quantiles = np.array(quantiles, "float32")

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        q = ops.convert_to_tensor(self.quantiles)
        return ops.mean(ops.maximum(q * error, (q - 1.0) * error), axis=-1)


def body(outputs):
    inputs = keras.Input((1,))
    z = layers.Dense(16, activation="tanh")(inputs)
    z = layers.Dense(16, activation="tanh")(z)
    return keras.Model(inputs, layers.Dense(outputs)(z))


model = body(3)
model.compile(keras.optimizers.Adam(0.02), QuantileLoss([0.1, 0.5, 0.9]))
history = model.fit(x, y, epochs=20, batch_size=50, verbose=0)
low, middle, high = model.predict(x, verbose=0).T
print("quantiles in order", bool((high > low).mean() > 0.9), f"{history.history['loss'][-1]:.3f}")
print("inside", bool(0.5 < ((y[:, 0] > low) & (y[:, 0] < high)).mean() <= 1))


def negative_log_likelihood(y_true, y_pred):
    mean, log_variance = y_pred[:, :1], ops.clip(y_pred[:, 1:], -6.0, 6.0)
    return 0.5 * (log_variance + ops.square(y_true - mean) / ops.exp(log_variance))


model = body(2)
model.compile(keras.optimizers.Adam(0.02), negative_log_likelihood)
history = model.fit(x, y, epochs=10, batch_size=50, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
print("two moments", model.predict(x[:5], verbose=0).shape)


class MonteCarloDropout(layers.Dropout):
    def call(self, inputs):
        return super().call(inputs, training=True)


model = keras.Sequential(
    [
        keras.Input((1,)),
        layers.Dense(32, activation="relu"),
        MonteCarloDropout(0.3),
        layers.Dense(1),
    ]
)
model.compile("adam", "mse")
model.fit(x, y, epochs=2, batch_size=50, verbose=0)
draws = np.stack([model.predict(x[:8], verbose=0) for _ in range(5)])
print("draws differ", bool(draws.std(axis=0).min() > 0), draws.shape)


class DenseVariational(layers.Layer):
    """Weights that are drawn for each call, and their distance from the prior as a loss."""

    def __init__(self, units, kl_weight, **kwargs):
        super().__init__(**kwargs)
        self.units, self.kl_weight = units, kl_weight
        self.seed_generator = keras.random.SeedGenerator(5)

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.mean = self.add_weight(shape=shape, name="mean")
        self.rho = self.add_weight(
            shape=shape, initializer=keras.initializers.Constant(-3.0), name="rho"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        deviation = ops.softplus(self.rho)
        noise = keras.random.normal(ops.shape(self.mean), seed=self.seed_generator)
        kl = ops.sum(
            -ops.log(deviation) + (ops.square(deviation) + ops.square(self.mean)) / 2 - 0.5
        )
        self.add_loss(self.kl_weight * kl)
        return ops.matmul(x, self.mean + deviation * noise) + self.bias


model = keras.Sequential(
    [keras.Input((1,)), DenseVariational(8, 1e-3), layers.ReLU(), DenseVariational(1, 1e-3)]
)
model.compile(keras.optimizers.RMSprop(0.01), "mse")
history = model.fit(x, y, epochs=3, batch_size=50, verbose=0)
one, two = (model.predict(x[:5], verbose=0) for _ in range(2))
print("variational", model.count_params(), not np.allclose(one, two))

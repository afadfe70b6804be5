"""RealNVP: coupling layers both ways, the log of a determinant, a loss without targets."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(39)


def coupling(input_dim, width, reg):
    inputs = keras.Input(shape=(input_dim,))
    regularizer = keras.regularizers.l2(reg)

    def dense(units, activation, x):
        return layers.Dense(units, activation=activation, kernel_regularizer=regularizer)(x)

    t = dense(input_dim, "linear", dense(width, "relu", inputs))
    s = dense(input_dim, "tanh", dense(width, "relu", inputs))
    return keras.Model(inputs=inputs, outputs=[s, t])


class RealNVP(keras.Model):
    def __init__(self, num_coupling_layers):
        super().__init__()
        self.count = num_coupling_layers
        self.masks = np.array([[0, 1], [1, 0]] * (num_coupling_layers // 2), dtype="float32")
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.layers_list = [coupling(2, 12, 0.01) for _ in range(num_coupling_layers)]

    @property
    def metrics(self):
        return [self.loss_tracker]

    def call(self, x, training=True):
        log_det_inv = 0
        direction = -1 if training else 1
        for i in range(self.count)[::direction]:
            mask = ops.convert_to_tensor(self.masks[i])
            x_masked = x * mask
            s, t = self.layers_list[i](x_masked)
            s, t = s * (1 - mask), t * (1 - mask)
            gate = (direction - 1) / 2
            x = (1 - mask) * (
                x * ops.exp(direction * s) + direction * t * ops.exp(gate * s)
            ) + x_masked
            log_det_inv += gate * ops.sum(s, axis=1)
        return x, log_det_inv

    def log_loss(self, x):
        y, logdet = self(x)
        log_likelihood = -0.5 * ops.sum(ops.square(y), axis=1) - np.log(2 * np.pi) + logdet
        return -ops.mean(log_likelihood)

    def train_step(self, data):
        loss, gradients = keras.value_and_grad(
            lambda: self.log_loss(data), self.trainable_variables
        )
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}

    def test_step(self, data):
        self.loss_tracker.update_state(self.log_loss(data))
        return {"loss": self.loss_tracker.result()}


rng = np.random.default_rng(0)
angle = rng.uniform(0, np.pi, size=200)
moons = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(size=(200, 2)) * 0.1
normalization = layers.Normalization()
normalization.adapt(moons)
data = ops.convert_to_numpy(normalization(moons)).astype("float32")

model = RealNVP(num_coupling_layers=4)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01))
history = model.fit(data, batch_size=50, epochs=4, verbose=0, validation_split=0.2)
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]
z, _ = model(data[:5])
x, _ = model(z, training=False)
print("there and back", np.allclose(ops.convert_to_numpy(x), data[:5], atol=1e-4))
print("parameters", model.count_params(), tuple(z.shape))

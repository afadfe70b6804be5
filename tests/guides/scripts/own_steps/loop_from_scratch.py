"""A training loop from scratch: batches, losses of layers, metrics, validation."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(23)


class ActivityRegularization(layers.Layer):
    def call(self, inputs):
        self.add_loss(1e-2 * ops.sum(inputs) / 32)
        return inputs


inputs = keras.Input(shape=(20,), name="digits")
x = layers.Dense(16, activation="relu")(inputs)
x = ActivityRegularization()(x)
x = layers.BatchNormalization()(x)
model = keras.Model(inputs, layers.Dense(4, name="predictions")(x))
optimizer = keras.optimizers.Adam(learning_rate=1e-2)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_metric = keras.metrics.SparseCategoricalAccuracy()
val_metric = keras.metrics.SparseCategoricalAccuracy()

rng = np.random.default_rng(0)
data = rng.normal(size=(160, 20)).astype("float32")
labels = data[:, :4].argmax(axis=1)
x_train, y_train, x_val, y_val = data[:128], labels[:128], data[128:], labels[128:]


def train_step(x, y):
    def forward():
        logits = model(x, training=True)
        return loss_fn(y, logits) + sum(model.losses), logits

    (loss, logits), gradients = keras.value_and_grad(forward, model.trainable_weights, has_aux=True)
    optimizer.apply(gradients, model.trainable_weights)
    train_metric.update_state(y, logits)
    return loss


for epoch in range(3):
    order = rng.permutation(128)
    for start in range(0, 128, 32):
        rows = order[start : start + 32]
        loss = train_step(x_train[rows], y_train[rows])
    for start in range(0, 32, 16):
        logits = model(x_val[start : start + 16], training=False)
        val_metric.update_state(y_val[start : start + 16], logits)
    print(
        f"epoch {epoch} loss {float(loss):.4f} accuracy {float(train_metric.result()):.4f} "
        f"val {float(val_metric.result()):.4f}"
    )
    train_metric.reset_state()
    val_metric.reset_state()
print("steps", int(optimizer.iterations), "moving mean", tuple(model.layers[3].moving_mean.shape))

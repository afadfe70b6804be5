"""A user's script that is right: type checkers must find nothing in it."""

from typing import Any

import numpy as np

import unidl as keras
from unidl import layers, ops
from unidl.layers import Dense


class Block(layers.Layer):
    def __init__(self, units: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.dense = Dense(units, activation="relu")
        self.units = units

    def build(self, input_shape):
        self.scale = self.add_weight((self.units,), "ones", name="scale")

    def call(self, inputs, training=None):
        return self.dense(inputs) * self.scale + ops.mean(inputs, axis=-1, keepdims=True)


class Net(keras.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block = Block(8, name="block")
        self.head = layers.Dense(1)

    def call(self, inputs):
        return self.head(self.block(inputs))


x, y = np.ones((32, 4), "float32"), np.ones((32, 1), "float32")
model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "gelu"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae"])
history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0)
print(history.history["loss"][-1], model.predict(x).shape, model.evaluate(x, y, verbose=0))
net = Net()
net.compile("sgd", keras.losses.MeanSquaredError())
net.fit(x, y, callbacks=[keras.callbacks.EarlyStopping("loss", patience=2)], verbose=0)
net.save_weights("net.weights.h5")

inputs = keras.Input(shape=(8, 8, 3))
features = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
features = layers.GlobalAveragePooling2D()(features)
functional = keras.Model(inputs, layers.Dense(2)(features) * 2)
functional.summary()

optimizer = keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100), momentum=0.9)
weight = keras.Variable([1.0, 2.0])


def loss():
    return ops.sum(ops.square(weight - 1.0))


with keras.use_backend("numpy"):
    value, gradients = keras.value_and_grad(loss, [weight])
    optimizer.apply([*gradients], [weight])
metric = keras.metrics.CategoricalAccuracy(name="acc")
metric.update_state(ops.one_hot([0, 1], 2), ops.softmax(ops.ones((2, 2))))
print(float(metric.result()), 1 - keras.optimizers.Adam(0.1).learning_rate)
keras.utils.set_random_seed(1)
rows, columns = np.shape(keras.random.normal((2, 3), seed=keras.random.SeedGenerator(7)))
initializer = keras.initializers.get("he_normal")
regularizer = keras.regularizers.L2(1e-4)
layers.Dense(3, kernel_initializer=initializer, kernel_regularizer=regularizer)
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()


@keras.saving.register_keras_serializable()
def half(x):
    return x * 0.5


class Halves(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, logs["loss"] / 2)


class Largest(keras.metrics.Metric):
    def __init__(self, name="largest"):
        super().__init__(name=name)
        self.largest = self.add_variable(())

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))

    def result(self):
        return self.largest.value


class Cubic(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)


model.compile(keras.optimizers.AdamW(weight_decay=0.01), Cubic(), metrics=[Largest()])
model.fit(x, y, callbacks=[Halves()], verbose=0)
model.optimizer.learning_rate = 0.01
print(half(model.layers[0].get_weights()[0]).shape, keras.layers.LSTM(3).units)

"""Super-resolution by sub-pixel convolution, with PSNR in a callback and as a metric."""

import math

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(49)
UPSCALE = 2


class DepthToSpace(layers.Layer):
    def __init__(self, block_size):
        super().__init__()
        self.block_size = block_size

    def call(self, x):
        batch, height, width, depth = ops.shape(x)
        depth = depth // (self.block_size**2)
        x = ops.reshape(x, [batch, height, width, self.block_size, self.block_size, depth])
        x = ops.transpose(x, [0, 1, 3, 2, 4, 5])
        return ops.reshape(x, [batch, height * self.block_size, width * self.block_size, depth])


def get_model(upscale_factor=UPSCALE, channels=1):
    conv_args = {
        "activation": "relu",
        "kernel_initializer": "orthogonal",
        "padding": "same",
    }
    inputs = keras.Input(shape=(None, None, channels))
    x = layers.Conv2D(8, 5, **conv_args)(inputs)
    x = layers.Conv2D(8, 3, **conv_args)(x)
    x = layers.Conv2D(channels * (upscale_factor**2), 3, **conv_args)(x)
    return keras.Model(inputs, DepthToSpace(upscale_factor)(x))


def psnr(y_true, y_pred):
    return 10 * ops.log10(1.0 / ops.mean(ops.square(y_true - y_pred)))


class Report(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.psnr = []

    def on_test_batch_end(self, batch, logs=None):
        self.psnr.append(10 * math.log10(1 / logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, "batches", len(self.psnr), f"psnr {np.mean(self.psnr):.2f}")


rng = np.random.default_rng(0)
high = np.kron(rng.random((24, 6, 6, 1)), np.ones((1, 2, 2, 1))).astype("float32")
low = high[:, ::2, ::2]
model = get_model()
print("parameters", model.count_params(), model.output_shape)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    loss=keras.losses.MeanSquaredError(),
    metrics=[psnr],
)
stop = keras.callbacks.EarlyStopping(monitor="loss", patience=10)
history = model.fit(
    low,
    high,
    epochs=3,
    batch_size=8,
    verbose=0,
    callbacks=[Report(), stop],
    validation_data=(low, high),
)
assert history.history["loss"][-1] < history.history["loss"][0]
print("any size", model.predict(rng.random((1, 5, 9, 1)), verbose=0).shape)

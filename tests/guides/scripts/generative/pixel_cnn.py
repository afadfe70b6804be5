"""PixelCNN: a convolution whose kernel is masked, residual blocks of layers, sampling by pixel."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(37)
SIZE = 6


class PixelConvLayer(layers.Layer):
    def __init__(self, mask_type, **kwargs):
        super().__init__()
        self.mask_type = mask_type
        self.conv = layers.Conv2D(**kwargs)

    def build(self, input_shape):
        self.conv.build(input_shape)
        kernel_shape = ops.shape(self.conv.kernel)
        self.mask = np.zeros(shape=kernel_shape, dtype="float32")
        self.mask[: kernel_shape[0] // 2, ...] = 1.0
        self.mask[kernel_shape[0] // 2, : kernel_shape[1] // 2, ...] = 1.0
        if self.mask_type == "B":
            self.mask[kernel_shape[0] // 2, kernel_shape[1] // 2, ...] = 1.0

    def call(self, inputs):
        self.conv.kernel.assign(self.conv.kernel * self.mask)
        return self.conv(inputs)


class ResidualBlock(keras.layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = layers.Conv2D(filters=filters, kernel_size=1, activation="relu")
        self.pixel_conv = PixelConvLayer(
            mask_type="B",
            filters=filters // 2,
            kernel_size=3,
            activation="relu",
            padding="same",
        )
        self.conv2 = layers.Conv2D(filters=filters, kernel_size=1, activation="relu")

    def call(self, inputs):
        x = self.conv1(inputs)
        x = self.pixel_conv(x)
        x = self.conv2(x)
        return layers.add([inputs, x])


inputs = keras.Input(shape=(SIZE, SIZE, 1), batch_size=8)
x = PixelConvLayer(mask_type="A", filters=8, kernel_size=5, activation="relu", padding="same")(
    inputs
)
for _ in range(2):
    x = ResidualBlock(filters=8)(x)
out = layers.Conv2D(filters=1, kernel_size=1, activation="sigmoid", padding="valid")(x)
pixel_cnn = keras.Model(inputs, out)
pixel_cnn.compile(optimizer=keras.optimizers.Adam(learning_rate=0.0005), loss="binary_crossentropy")
print("parameters", pixel_cnn.count_params(), pixel_cnn.output_shape)

rng = np.random.default_rng(0)
data = (rng.random((32, SIZE, SIZE, 1)) > 0.5).astype("float32")
history = pixel_cnn.fit(x=data, y=data, batch_size=8, epochs=2, validation_split=0.25, verbose=0)
print("logs", sorted(history.history))

pixels = np.zeros((8, SIZE, SIZE, 1), "float32")
for row in range(2):
    for col in range(SIZE):
        probs = pixel_cnn.predict(pixels, verbose=0)[:, row, col]
        pixels[:, row, col] = np.ceil(probs - rng.random(probs.shape))
print("sampled", bool(set(np.unique(pixels)) <= {0.0, 1.0}))
one = pixel_cnn.predict(data[:8], verbose=0)
changed = data[:8].copy()
changed[:, 3, 3:] = 1 - changed[:, 3, 3:]
two = pixel_cnn.predict(changed, verbose=0)
print(
    "causal",
    np.allclose(one[:, :3], two[:, :3], atol=1e-6),
    np.allclose(one[:, 3, :4], two[:, 3, :4], atol=1e-6),
)

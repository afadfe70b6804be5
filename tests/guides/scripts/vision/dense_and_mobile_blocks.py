"""Blocks of DenseNet and MobileNet: concatenations, depthwise convolutions, squeeze and excite."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(43)


def dense_block(x, count, growth):
    for _ in range(count):
        y = layers.BatchNormalization(axis=3, epsilon=1.001e-5)(x)
        y = layers.Activation("relu")(y)
        y = layers.Conv2D(2 * growth, 1, use_bias=False)(y)
        y = layers.Conv2D(growth, 3, padding="same", use_bias=False)(y)
        x = layers.Concatenate(axis=3)([x, y])
    return x


def transition(x, reduction):
    x = layers.BatchNormalization(epsilon=1.001e-5)(x)
    x = layers.Conv2D(int(x.shape[3] * reduction), 1, use_bias=False)(x)
    return layers.AveragePooling2D(2, strides=2)(x)


def squeeze_and_excite(x, ratio):
    filters = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(max(1, filters // ratio), 1, activation="relu")(y)
    y = layers.Conv2D(filters, 1, activation="hard_sigmoid")(y)
    return layers.Multiply()([x, y])


def inverted_residual(x, expansion, filters, stride):
    shortcut, channels = x, x.shape[-1]
    x = layers.Conv2D(channels * expansion, 1, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.999)(x)
    x = layers.ReLU(6.0)(x)
    if stride == 2:
        x = layers.ZeroPadding2D(padding=((0, 1), (0, 1)))(x)
    x = layers.DepthwiseConv2D(
        3, strides=stride, use_bias=False, padding="same" if stride == 1 else "valid"
    )(x)
    x = layers.Activation(keras.activations.hard_swish)(x)
    x = squeeze_and_excite(x, 4)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False)(x)
    if channels == filters and stride == 1:
        x = layers.Add()([shortcut, x])
    return x


inputs = keras.Input((16, 16, 3))
x = layers.ZeroPadding2D(1)(inputs)
x = layers.Conv2D(8, 3, strides=2)(x)
x = transition(dense_block(x, 2, 4), 0.5)
x = inverted_residual(x, 2, 8, stride=1)
x = inverted_residual(x, 3, 8, stride=1)
x = inverted_residual(x, 2, 12, stride=2)
x = layers.GlobalMaxPooling2D()(x)
x = layers.Reshape((1, 1, 12))(x)
x = layers.Conv2D(5, kernel_size=1)(layers.SpatialDropout2D(0.1)(x))
outputs = layers.Softmax()(layers.Flatten()(x))
model = keras.Model(inputs, outputs, name="blocks")
print("parameters", model.count_params(), len(model.layers))

rng = np.random.default_rng(0)
images, labels = rng.random((16, 16, 16, 3)), rng.integers(0, 5, size=16)
model.compile(
    keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True), "sparse_categorical_crossentropy"
)
history = model.fit(images.astype("float32"), labels, batch_size=8, epochs=1, verbose=0)
assert np.isfinite(history.history["loss"][0])
print("output", model.predict(images, verbose=0).sum(axis=1).round(3).tolist()[:2])

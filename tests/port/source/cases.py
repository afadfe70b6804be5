"""Models that go out: one for each layer and function, and a few whole ones."""

from __future__ import annotations

import numpy as np

import unidl
from unidl import layers, ops

IMAGE, ROW, STEPS = (9, 8, 3), (6,), (7, 4)


def _one(shape, *made):
    return lambda: unidl.Sequential([unidl.Input(shape), *(make() for make in made)])


def _functions(shape, function, count=1):
    def make():
        inputs = [unidl.Input(shape) for _ in range(count)]
        return unidl.Model(inputs, function(*inputs))

    return make


def _tokens(*made):
    return lambda: unidl.Sequential([unidl.Input((7,), dtype="int32"), *(m() for m in made)])


def _padded(x):
    """The first two moments of every sample are masked."""
    return ops.concatenate([0.0 * x[:, :2] + 0.5, x[:, 2:]], axis=1)


def _adapted(layer):
    layer.adapt(np.random.RandomState(0).normal(2.0, 3.0, size=(20, *ROW)))
    return unidl.Sequential([unidl.Input(ROW), layer, layers.Dense(2)])


def _numbers(*shape):
    return np.random.RandomState(0).normal(size=shape).astype("float32")


class Masked(layers.Layer):
    """A layer of a user's own, with an array that does not change."""

    def call(self, inputs):
        return ops.where(np.eye(7, 4) > 0, 0.5, inputs)


LAYERS = {
    "dense": _one(ROW, lambda: layers.Dense(3, "tanh")),
    "dense without bias": _one(STEPS, lambda: layers.Dense(3, use_bias=False)),
    "frozen": _one(ROW, lambda: layers.Dense(4, trainable=False), lambda: layers.Dense(2)),
    "activations": _one(
        ROW,
        *(
            lambda name=name: layers.Activation(name)
            for name in ("relu", "sigmoid", "softplus", "softsign", "selu", "gelu", "silu")
        ),
    ),
    "more activations": _one(
        ROW,
        *(
            lambda name=name: layers.Activation(name)
            for name in (
                "elu",
                "exponential",
                "tanh",
                "relu6",
                "hard_sigmoid",
                "mish",
                "log_sigmoid",
            )
        ),
    ),
    "softmax": _one(STEPS, lambda: layers.Dense(3, "softmax"), lambda: layers.Softmax()),
    "log_softmax": _one(ROW, lambda: layers.Activation("log_softmax")),
    "relu layers": _one(
        IMAGE,
        lambda: layers.ReLU(),
        lambda: layers.LeakyReLU(0.1),
        lambda: layers.ELU(0.5),
        lambda: layers.ReLU(max_value=1.0),
    ),
    "prelu": _one(ROW, lambda: layers.PReLU("ones")),
    "dropout": _one(IMAGE, lambda: layers.Dropout(0.5), lambda: layers.SpatialDropout2D(0.5)),
    "flatten": _one(
        IMAGE, lambda: layers.Conv2D(2, 3), lambda: layers.Flatten(), lambda: layers.Dense(2)
    ),
    "reshape": _one(ROW, lambda: layers.Reshape((3, -1)), lambda: layers.Permute((2, 1))),
    "permute of images": _one(
        (3, 9, 8),
        lambda: layers.Permute((2, 3, 1)),
        lambda: layers.Conv2D(4, 3),
        lambda: layers.Permute((3, 1, 2)),
    ),
    "repeat": _one(ROW, lambda: layers.RepeatVector(3)),
    "conv1d causal": _one(STEPS, lambda: layers.Conv1D(5, 3, padding="causal", dilation_rate=2)),
    "conv1d": _one(
        STEPS, lambda: layers.Conv1D(5, 2, strides=2, padding="same", activation="relu")
    ),
    "conv2d": _one(IMAGE, lambda: layers.Conv2D(4, (3, 2), padding="same", use_bias=False)),
    "conv2d of groups": _one(IMAGE, lambda: layers.Conv2D(6, 3, groups=3, dilation_rate=2)),
    "conv2d of one channel each": _one(
        IMAGE,
        lambda: layers.Conv2D(6, 3, strides=2, groups=3, activation="relu"),
        lambda: layers.Conv2D(6, 3, padding="same", dilation_rate=2, groups=6, use_bias=False),
    ),
    "conv2d, open sizes": _one(
        (None, None, 3),
        lambda: layers.Conv2D(4, 3, strides=2, padding="same"),
        lambda: layers.GlobalMaxPooling2D(),
    ),
    "conv3d": _one((4, 5, 6, 2), lambda: layers.Conv3D(3, 2)),
    "depthwise": _one(IMAGE, lambda: layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "separable": _one(
        IMAGE, lambda: layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2)
    ),
    "transposed": _one(IMAGE, lambda: layers.Conv2DTranspose(5, 3, strides=2, padding="same")),
    "transposed 3d": _one((3, 4, 2, 2), lambda: layers.Conv3DTranspose(3, 2, strides=2)),
    "transposed 1d": _one(STEPS, lambda: layers.Conv1DTranspose(5, 3, strides=2)),
    "max pooling": _one(
        IMAGE, lambda: layers.MaxPooling2D(3, 2, "same"), lambda: layers.MaxPooling2D()
    ),
    "average pooling": _one(
        IMAGE, lambda: layers.AveragePooling2D(3, 1, "same"), lambda: layers.AveragePooling2D(2)
    ),
    "pooling 1d": _one(STEPS, lambda: layers.MaxPooling1D(2), lambda: layers.AveragePooling1D(2)),
    "global average": _one(
        IMAGE, lambda: layers.Conv2D(4, 1), lambda: layers.GlobalAveragePooling2D()
    ),
    "global keepdims": _one(
        IMAGE, lambda: layers.GlobalAveragePooling2D(keepdims=True), lambda: layers.Conv2D(2, 1)
    ),
    "zeros and crops": _one(
        IMAGE,
        lambda: layers.ZeroPadding2D(((1, 0), (2, 1))),
        lambda: layers.Cropping2D(((0, 1), (1, 1))),
    ),
    "zeros 1d": _one(STEPS, lambda: layers.ZeroPadding1D(2), lambda: layers.Cropping1D((1, 0))),
    "up-sampling": _one(IMAGE, lambda: layers.UpSampling2D((2, 3))),
    "batch normalization": _one(
        IMAGE, lambda: layers.BatchNormalization(), lambda: layers.Conv2D(2, 1)
    ),
    "batch normalization of rows": _one(
        ROW, lambda: layers.BatchNormalization(scale=False, momentum=0.9)
    ),
    "layer normalization": _one(STEPS, lambda: layers.LayerNormalization(epsilon=1e-4)),
    "layer normalization, two axes": _one(STEPS, lambda: layers.LayerNormalization(axis=(1, 2))),
    "group normalization": _one(IMAGE, lambda: layers.GroupNormalization(3)),
    "rms normalization": _one(STEPS, lambda: layers.RMSNormalization()),
    "unit normalization": _one(STEPS, lambda: layers.UnitNormalization()),
    "normalization": lambda: _adapted(layers.Normalization()),
    "normalization, inverted": _one(
        ROW, lambda: layers.Normalization(mean=[1.0] * 6, variance=[0.3] * 6, invert=True)
    ),
    "bilinear": _one(
        IMAGE, lambda: layers.UpSampling2D(2, interpolation="bilinear"), lambda: layers.ReLU()
    ),
    "uneven averages": _one(IMAGE, lambda: layers.AveragePooling2D(2, 1, "same")),
    "frozen batch normalization": _one(
        IMAGE, lambda: layers.BatchNormalization(trainable=False), lambda: layers.Conv2D(2, 1)
    ),
    "softmax of two axes": _one(STEPS, lambda: layers.Softmax(axis=(1, 2))),
    "infinite padding": _functions(
        STEPS,
        lambda x: layers.MaxPooling1D(2)(
            ops.pad(x, [(0, 0), (1, 1), (0, 0)], constant_values=-np.inf)
        ),
    ),
    "adaptive pooling": _one(
        IMAGE,
        lambda: layers.AdaptiveMaxPooling2D(4),
        lambda: layers.AdaptiveAveragePooling2D((3, 2)),
    ),
    "rescaling": _one(IMAGE, lambda: layers.Rescaling(1 / 255, 0.5)),
    "lstm": _one(STEPS, lambda: layers.LSTM(5, return_sequences=True), lambda: layers.LSTM(3)),
    "gru, reset before": _one(STEPS, lambda: layers.GRU(3, reset_after=False)),
    "gru": _one(STEPS, lambda: layers.GRU(5, return_sequences=True), lambda: layers.GRU(3)),
    "simple rnn": _one(STEPS, lambda: layers.SimpleRNN(5, activation="relu")),
    "bidirectional": _one(
        STEPS, lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    ),
    "bidirectional, last": _one(STEPS, lambda: layers.Bidirectional(layers.GRU(3))),
    "time distributed": _one(STEPS, lambda: layers.TimeDistributed(layers.Dense(3, "relu"))),
    "attention": _functions(STEPS, lambda q, v: layers.Attention(use_scale=True)([q, v]), 2),
    "multi-head attention": _functions(
        STEPS, lambda q, v: layers.MultiHeadAttention(2, 3)(q, v), 2
    ),
    "causal attention": _functions(
        STEPS, lambda q: layers.MultiHeadAttention(2, 3)(q, q, use_causal_mask=True)
    ),
    "einsum dense": _one(
        STEPS, lambda: layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")
    ),
    "merges": _functions(
        IMAGE,
        lambda a, b: layers.Concatenate()(
            [
                layers.Add()([a, b]),
                layers.Multiply()([a, b]),
                layers.Average()([a, b]),
                layers.Maximum()([a, b]),
                layers.Subtract()([a, b]),
            ]
        ),
        2,
    ),
    "convolutions that meet": _functions(
        IMAGE,
        lambda x: layers.Concatenate()(
            [layers.Conv2D(2, 3, padding="same")(x), layers.Conv2D(3, 1)(x)]
        ),
    ),
    "other recurrences": _one(
        STEPS,
        lambda: layers.GRU(5, reset_after=False, return_sequences=True),
        lambda: layers.LSTM(
            4,
            activation="relu",
            recurrent_activation="hard_sigmoid",
            return_sequences=True,
            go_backwards=True,
        ),
        lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="ave"),
        lambda: layers.Bidirectional(layers.GRU(3, reset_after=False), merge_mode="sum"),
    ),
    "convolutional recurrence": _one(
        (4, 6, 5, 2),
        lambda: layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True),
        lambda: layers.ConvLSTM2D(2, 2, strides=2),
    ),
    "masks of indices": _tokens(
        lambda: layers.Embedding(9, 4, mask_zero=True),
        lambda: layers.Dropout(0.1),
        lambda: layers.LSTM(5, return_sequences=True),
        lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        lambda: layers.SimpleRNN(3),
    ),
    "masks of padding": _functions(
        STEPS, lambda x: layers.LSTM(3, go_backwards=True)(layers.Masking(0.5)(_padded(x)))
    ),
    "dot": _functions(STEPS, lambda a, b: layers.Dot((2, 2))([a, b]), 2),
}

FUNCTIONS = {
    "arithmetic": _functions(ROW, lambda a, b: ops.exp(-a) * 2.0 + a / (1.0 + b * b) - 3, 2),
    "reductions": _functions(
        STEPS,
        lambda x: (
            ops.mean(x, axis=1) + ops.max(x, axis=1) - ops.sum(x, axis=(1,)) * ops.var(x, axis=1)
        ),
    ),
    "along axes": _functions(
        STEPS,
        lambda x: ops.take_along_axis(
            ops.roll(x, (1, -2), (1, 2)), ops.expand_dims(ops.argmax(x, 1), 1), 1
        ),
    ),
    "whole samples are dropped": _one(
        STEPS, lambda: layers.Dropout(0.5, noise_shape=(None, 1, 1)), lambda: layers.Dense(2)
    ),
    "layers named blocks": _one(
        STEPS,
        *(
            lambda i=i, kind=kind: kind(i)
            for i in range(2)
            for kind in (
                lambda i: layers.LayerNormalization(name=f"blocks.{i}.norm"),
                lambda i: layers.Dense(4, "tanh", name=f"blocks.{i}.dense"),
            )
        ),
    ),
    "shapes": _functions(
        STEPS,
        lambda x: ops.concatenate(
            [ops.transpose(x, (0, 2, 1)), ops.reshape(x, (-1, 4, 7)), ops.swapaxes(x, 1, 2)], axis=1
        ),
    ),
    "slices": _functions(STEPS, lambda x: x[:, -1] + x[:, 0, :] * ops.expand_dims(x, 1)[:, 0, 2]),
    "products": _functions(
        STEPS,
        lambda a, b: ops.matmul(a, ops.swapaxes(b, 1, 2)) + ops.einsum("bik,bjk->bij", a, b),
        2,
    ),
    "choices": _functions(
        ROW, lambda a, b: ops.where(a > b, ops.maximum(a, 0.1), ops.clip(b, -0.5, 0.5)), 2
    ),
    "stacks": _functions(ROW, lambda a, b: ops.stack([a, b, ops.flip(a, axis=1)], axis=1), 2),
    # Keras on TensorFlow takes the vector for a bias of the last axis.
    "channels as many as columns": _functions(
        (3, 4, 3), lambda x: x + np.array([[[1.0]], [[2.0]], [[3.0]]], "float32")
    ),
    "kept axes": _functions(STEPS, lambda x: x - ops.mean(x, (1, 2), True) + ops.max(x, 1, True)),
    "split": _functions(ROW, lambda x: ops.concatenate(ops.split(x, 3, axis=1)[::-1], axis=1)),
    "constants": _functions(
        ROW,
        lambda x: x * np.float32(2) + np.array([2.0], "float32") * np.arange(6, dtype="float32"),
    ),
    # Too many to be written out, of floats, integers and bools, within a layer and without.
    "arrays": _functions(
        STEPS,
        lambda x: (
            ops.where(np.tri(7, 4) > 0, Masked()(x), _numbers(7, 4))
            + ops.take(_numbers(10, 7, 1), ops.argmax(x, -1)[:, 0], axis=0)
        ),
    ),
    "integers": _functions(
        STEPS, lambda x: ops.one_hot(ops.argmax(x, -1) + np.arange(7)[None], 12) + 0 * x[..., :1]
    ),
    "equal numbers": _functions(
        STEPS, lambda x: ops.where(ops.argmax(x, -1, keepdims=True) == 1, ops.stop_gradient(x), x)
    ),
    "names of functions": _functions(
        ROW,
        lambda x: ops.reshape(
            layers.Add(name="add_1")([layers.Reshape((3, 2), name="reshape")(x) + 1.0] * 2), (-1, 6)
        ),
    ),
    "a part of a vector": _functions(ROW, lambda x: x[:, :3] * ops.mean(x, axis=0)[3:]),
    "rolled": _functions(IMAGE, lambda x: ops.roll(ops.roll(x, (1, -2), (1, 2)), 4, -1) * x),
    "masks of numbers": _functions(
        ROW, lambda x: ops.where(ops.cast(x * 3, "int32") > 0, x, 0.0) * ops.cast(x > 0, "float32")
    ),
    "handed on": _functions(ROW, lambda x: [x, layers.Identity()(x), x * 2]),
    "normal": _functions(ROW, lambda x: ops.softmax(ops.gelu(x)) + ops.log_softmax(ops.silu(x))),
}


class Residual(layers.Layer):
    """A layer of a user's own, with a weight that its own code reads."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.outer = layers.Dense(2 * width, "relu"), layers.Dense(width)

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

    def call(self, inputs):
        return inputs + self.outer(self.inner(inputs)) * ops.reshape(self.scale, (1, -1))


def own_layers():
    return unidl.Sequential(
        [unidl.Input(ROW), Residual(6), Residual(6), layers.Dense(2)], name="own"
    )


def nested():
    x = unidl.Input((8,))
    encoder = unidl.Sequential(
        [unidl.Input((8,)), layers.Dense(4, "relu"), layers.Dense(3)], name="encoder"
    )
    y = encoder(x)
    return unidl.Model(x, {"code": y, "size": ops.sum(y * y, axis=-1)}, name="nested")


def residual_network():
    x = inputs = unidl.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(x)
    for i in range(3):
        y = layers.BatchNormalization(name=f"norm_{i}")(x)
        y = layers.Conv2D(8, 3, padding="same", name=f"conv_{i}")(layers.ReLU()(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(x)
    return unidl.Model(inputs, layers.Dense(5, name="head")(x), name="residual_network")


def transformer():
    tokens = unidl.Input((6,), dtype="int32")
    x = layers.Embedding(11, 8, name="words")(tokens)
    for i in range(2):
        y = layers.LayerNormalization(name=f"before_{i}")(x)
        x = x + layers.MultiHeadAttention(2, 4, name=f"attention_{i}")(y, y, use_causal_mask=True)
        y = layers.LayerNormalization(name=f"between_{i}")(x)
        y = layers.Dense(16, "gelu", name=f"wide_{i}")(y)
        x = x + layers.Dense(8, name=f"narrow_{i}")(y)
    return unidl.Model(tokens, layers.Dense(11, name="next")(x), name="transformer")


def names_of_methods():
    """Layers with names that modules have for methods, or files for modules."""
    taken = ("forward", "train", "float", "weights", "call", "self", "x", "F", "torch", "ops")
    inside = [layers.Dense(4, "relu", name=name) for name in taken]
    return unidl.Sequential([unidl.Input((4,)), *inside], name="taken_names")


def bytes_in():
    x = unidl.Input((4, 4, 3), dtype="uint8")
    y = layers.Dense(2)(layers.Flatten()(layers.Rescaling(1 / 255)(x)))
    return unidl.Model(x, y, name="bytes_in")


def double_precision():
    dense = [layers.Dense(4, "tanh", dtype="float64"), layers.Dense(2, dtype="float64")]
    return unidl.Sequential([unidl.Input((4,), dtype="float64"), *dense], name="double")


def mixed_precision():
    dense = [layers.Dense(4, "tanh", dtype="mixed_float16"), layers.Dense(2)]
    return unidl.Sequential([unidl.Input((4,)), *dense], name="mixed")


def choices():
    """Outputs that are integers."""
    x = unidl.Input((6,))
    return unidl.Model(x, ops.argmax(layers.Dense(3)(x), axis=-1), name="choices")


def many_inputs():
    """More than ten, whose names do not sort as their numbers do."""
    inputs = [unidl.Input((2,)) for _ in range(12)]
    parts = [x * float(i) for i, x in enumerate(inputs)]
    return unidl.Model(inputs, layers.Dense(2)(layers.Concatenate()(parts)), name="many")


def taken_letters():
    """Inputs with the names that values get where a statement is written in two."""
    a, y = unidl.Input((4,), name="a"), unidl.Input((4,), name="y")
    return unidl.Model([a, y], layers.Dense(4, "silu")(y) * a, name="taken_letters")


def siamese():
    """One encoder for two inputs, given by name."""
    encoder = unidl.Sequential([unidl.Input((4,)), layers.Dense(3)], name="encoder")
    left, right = unidl.Input((4,), name="left"), unidl.Input((4,), name="right")
    y = layers.Dot(1)([encoder(left), encoder(right)])
    return unidl.Model({"left": left, "right": right}, [y, y], name="siamese")


def translator():
    """An encoder whose states are where the decoder begins."""
    source, target = unidl.Input((5, 3), name="source"), unidl.Input((6, 3), name="target")
    _, h, c = layers.LSTM(4, return_state=True)(source)
    y, *_ = layers.LSTM(4, return_sequences=True, return_state=True)(target, initial_state=[h, c])
    y = layers.TimeDistributed(layers.Dense(3, "softmax"))(y)
    return unidl.Model([source, target], y, name="translator")


def u_net():
    x = inputs = unidl.Input((8, 8, 2))
    x = skip = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(x))
    x = layers.Conv2DTranspose(4, 2, strides=2, padding="same")(x)
    x = layers.Concatenate()([x, skip])
    return unidl.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x), name="u_net")


NETWORKS = {
    "own layers": own_layers,
    "names of methods": names_of_methods,
    "bytes in": bytes_in,
    "double precision": double_precision,
    "mixed precision": mixed_precision,
    "choices": choices,
    "many inputs": many_inputs,
    "siamese": siamese,
    "taken letters": taken_letters,
    "translator": translator,
    "u-net": u_net,
    "nested": nested,
    "residual network": residual_network,
    "transformer": transformer,
}

"""Models that are written in every format."""

import numpy as np

import unidl
from unidl import layers as L
from unidl import ops


def perceptron():
    return unidl.Sequential([unidl.Input((4,)), L.Dense(3, "relu"), L.Dense(2)], name="net")


def images():
    x = unidl.Input((8, 8, 3), name="pixels")
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(x)))
    z = L.DepthwiseConv2D(3, padding="same")(y)
    y = L.Concatenate()([L.Add()([y, z]), z])
    y = L.Conv2D(4, 3, strides=2, groups=2)(L.ZeroPadding2D(1)(y))
    y = L.Conv2DTranspose(3, 3, strides=2, padding="same")(L.AveragePooling2D(2)(y))
    y = L.Dense(3, "gelu")(L.GlobalAveragePooling2D()(L.UpSampling2D(2)(y)))
    return unidl.Model(x, y, name="net")


def sequences():
    x = unidl.Input((None,), dtype="int32", name="words")
    y = L.Embedding(20, 8, mask_zero=True)(x)
    y = L.Bidirectional(L.LSTM(3, return_sequences=True))(y)
    y = L.GRU(4, return_sequences=True, reset_after=False)(y)
    return unidl.Model(x, L.SimpleRNN(3)(y), name="net")


def attention():
    q, k = unidl.Input((None, 8), name="query"), unidl.Input((None, 8), name="key")
    y = L.MultiHeadAttention(2, 4)(q, k)
    y = L.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
    y = L.LayerNormalization()(L.Add()([y, q]))
    y = L.TimeDistributed(L.Dense(3, "silu"))(y)
    return unidl.Model({"query": q, "key": k}, {"all": y, "mean": ops.mean(y, 1)}, name="net")


def control():
    class Steps(L.Layer):
        def call(self, x):
            start = ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x - 1)
            count, y = ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 1.5), (0, start))
            return y + ops.cast(count, "float32") * ops.ones((ops.shape(x)[0], 1))

    x = unidl.Input((3,), name="x")
    return unidl.Model(x, Steps()(x), name="net")


class Own(unidl.Model):
    def __init__(self):
        super().__init__(name="net")
        self.inner = L.Dense(4)

    def call(self, x):
        wide = ops.broadcast_to(ops.sum(x, 1, keepdims=True), (ops.shape(x)[0], 2))
        return {"a": self.inner(x), "b": [wide, ops.reshape(x, (-1, 1)), ops.flip(x, 0)]}


def own():
    model = Own()
    model(np.ones((2, 3), "float32"))
    return model

"""The models as HybridBlocks."""

from __future__ import annotations

import math

from benchmarks.workloads import CLASSES, VOCABULARY
from unidl_mxnet.load import load_mxnet

mx = load_mxnet()
nn, HybridBlock = mx.gluon.nn, mx.gluon.HybridBlock


def build(workload):
    return _MODELS[workload.name]()


def _sequential(*blocks):
    net = nn.HybridSequential()
    net.add(*blocks)
    return net


def _mlp():
    return _sequential(nn.Dense(64, activation="relu"), nn.Dense(CLASSES))


def _cnn():
    return _sequential(
        nn.Conv2D(32, 3, activation="relu"), nn.MaxPool2D(), nn.Conv2D(64, 3, activation="relu"),
        nn.MaxPool2D(), nn.Flatten(), nn.Dense(128, activation="relu"), nn.Dense(CLASSES),
    )  # fmt: skip


class _Lstm(HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.lstm = mx.gluon.rnn.LSTM(
                64, layout="NTC", input_size=32, i2h_bias_initializer=mx.init.LSTMBias()
            )
            self.head = nn.Dense(CLASSES)

    def hybrid_forward(self, F, x):
        return self.head(F.slice_axis(self.lstm(x), axis=1, begin=-1, end=None))


class _Attention(HybridBlock):
    def __init__(self, width, heads):
        super().__init__()
        self._heads, self._scale = heads, 1 / math.sqrt(width // heads)
        with self.name_scope():
            self.query, self.key, self.value, self.out = (
                nn.Dense(width, flatten=False, in_units=width) for _ in range(4)
            )

    def hybrid_forward(self, F, x):
        q, k, v = (self._split(F, dense(x)) for dense in (self.query, self.key, self.value))
        weights = F.softmax(F.batch_dot(q * self._scale, k, transpose_b=True))
        h = F.reshape(F.batch_dot(weights, v), (-1, self._heads, 0, 0), reverse=True)
        return self.out(F.reshape(F.transpose(h, (0, 2, 1, 3)), (0, 0, -1)))

    def _split(self, F, x):
        """(n, t, heads * d) to (n * heads, t, d)."""
        x = F.transpose(F.reshape(x, (0, 0, self._heads, -1)), (0, 2, 1, 3))
        return F.reshape(x, (-1, 0, 0), reverse=True)


class _Transformer(HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(in_channels=64) for _ in range(3))
            self.attention = _Attention(64, 4)
            wide, narrow = (
                nn.Dense(256, flatten=False, in_units=64),
                nn.Dense(64, flatten=False, in_units=256),
            )
            self.mlp = _sequential(wide, nn.GELU(), narrow, nn.Dropout(0.1))
            self.head = nn.Dense(CLASSES)

    def hybrid_forward(self, F, x):
        x = x + self.attention(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return self.head(F.mean(self.norm3(x), axis=1))


class _Block(HybridBlock):
    def __init__(self, filters, stride):
        super().__init__()
        with self.name_scope():
            first, second = (nn.Conv2D(filters, 3, s, 1, use_bias=False) for s in (stride, 1))
            self.body = _sequential(
                first, nn.BatchNorm(), nn.Activation("relu"), second, nn.BatchNorm()
            )
            self.shortcut = (
                _sequential(nn.Conv2D(filters, 1, stride, use_bias=False), nn.BatchNorm())
                if stride == 2
                else None
            )

    def hybrid_forward(self, F, x):
        return F.relu(self.body(x) + (x if self.shortcut is None else self.shortcut(x)))


def _resnet():
    net = _sequential(nn.Conv2D(16, 3, 1, 1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            net.add(_Block(filters, 2 if stage and not block else 1))
    net.add(nn.GlobalAvgPool2D(), nn.Dense(CLASSES))
    return net


class _Text(HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.embedding = nn.Embedding(VOCABULARY, 64, weight_initializer=mx.init.Uniform(0.05))
            self.mlp = _sequential(nn.Dense(64, activation="relu"), nn.Dense(CLASSES))

    def hybrid_forward(self, F, tokens):
        return self.mlp(F.mean(self.embedding(tokens), axis=1))


_MODELS = {
    "mlp": _mlp,
    "cnn": _cnn,
    "lstm": _Lstm,
    "transformer": _Transformer,
    "resnet": _resnet,
    "text": _Text,
}

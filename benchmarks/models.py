"""The models in the API that unidl and Keras share: `k` is the module `unidl` or `keras`."""

from __future__ import annotations

from benchmarks.workloads import CLASSES, VOCABULARY


def build(k, workload, logits=False):
    """The model of `workload`, which ends in probabilities, or in logits for loops that want
    them."""
    inputs = k.Input(shape=workload.shape, dtype=workload.dtype)
    features = _BODIES[workload.name](k.layers, inputs)
    return k.Model(
        inputs, k.layers.Dense(CLASSES, activation=None if logits else "softmax")(features)
    )


def _mlp(layers, x):
    return layers.Dense(64, activation="relu")(x)


def _cnn(layers, x):
    for filters in (32, 64):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, 3, activation="relu")(x))
    return layers.Dense(128, activation="relu")(layers.Flatten()(x))


def _lstm(layers, x):
    return layers.LSTM(64)(x)


def _transformer(layers, x):
    h = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(num_heads=4, key_dim=16)(h, h)])
    h = layers.Dense(256, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dropout(0.1)(layers.Dense(64)(h))])
    return layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))


def _resnet(layers, x):
    def conv(x, filters, stride=1, size=3):
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    x = layers.ReLU()(conv(x, 16))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage and not block else 1
            h = layers.ReLU()(conv(x, filters, stride))
            h = conv(h, filters)
            shortcut = conv(x, filters, stride, size=1) if stride == 2 else x
            x = layers.ReLU()(layers.Add()([h, shortcut]))
    return layers.GlobalAveragePooling2D()(x)


def _text(layers, x):
    x = layers.GlobalAveragePooling1D()(layers.Embedding(VOCABULARY, 64)(x))
    return layers.Dense(64, activation="relu")(x)


_BODIES = {
    "mlp": _mlp,
    "cnn": _cnn,
    "lstm": _lstm,
    "transformer": _transformer,
    "resnet": _resnet,
    "text": _text,
}

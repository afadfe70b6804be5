"""Models written once for Keras and unidl: `MODELS[name](k)` with `k` one of the two packages."""

from __future__ import annotations

import numpy as np


def mlp(k):
    return k.Sequential(
        [
            k.Input((4,)),
            k.layers.Dense(5, activation="relu"),
            k.layers.Dense(3, activation="softmax"),
        ]
    )


def old_style(k):
    layers = k.layers
    model = k.Sequential()
    model.add(layers.Dense(5, input_shape=(4,)))
    model.add(layers.Activation("tanh"))
    model.add(layers.Dense(3))
    model.add(layers.Softmax())
    return model


def cnn(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((6, 6, 2)),
            layers.Conv2D(3, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 2, kernel_regularizer=k.regularizers.L2(2**-7)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def words(k):
    """Masks through a Sequential."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((5,), dtype="int32"),
            layers.Embedding(7, 4, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.Dropout(0.0),
            layers.LSTM(4),
            layers.Dense(3, activation="softmax"),
        ]
    )


def tagger(k):
    """A mask that reaches the loss."""
    layers = k.layers
    inputs = k.Input((5,), dtype="int32", name="tokens")
    h = layers.Embedding(7, 4, mask_zero=True)(inputs)
    h = layers.LSTM(3, return_sequences=True)(h)
    return k.Model(inputs, layers.Dense(3, activation="softmax", name="tags")(h))


def residual(k):
    layers = k.layers
    inputs = k.Input((4,))
    h = layers.Dense(4, activation="relu")(inputs)
    h = layers.Add()([h, inputs])
    h = layers.Concatenate()([h, layers.Dense(2)(h)])
    return k.Model(inputs, layers.Dense(3, activation="softmax")(h))


def two_ends(k):
    """Two inputs, two outputs, lists."""
    layers = k.layers
    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    h = layers.Concatenate()([layers.Dense(3)(a), b])
    return k.Model([a, b], [layers.Dense(2, name="first")(h), layers.Dense(1, name="second")(h)])


def dicts(k):
    """Two inputs, two outputs, dicts."""
    layers = k.layers
    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    h = layers.Concatenate()([b, layers.Dense(3)(a)])
    return k.Model(
        {"a": a, "b": b},
        {"first": layers.Dense(2, name="one")(h), "second": layers.Dense(1, name="two")(h)},
    )


def shared(k):
    """One layer used twice, and on top of itself."""
    layers = k.layers
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    twin = layers.Dense(4, activation="tanh", name="twin")
    h = layers.Add()([twin(a), twin(b)])
    return k.Model([a, b], layers.Dense(2)(twin(h)))


def nested(k):
    """A functional model and a Sequential inside another, the first of them twice."""
    layers = k.layers
    inner_input = k.Input((3,))
    inner = k.Model(
        inner_input,
        layers.Dense(3, activation="relu")(layers.BatchNormalization()(inner_input)),
        name="inner",
    )
    row = k.Sequential([k.Input((3,)), layers.Dense(4), layers.Dense(3)], name="row")
    inputs = k.Input((3,))
    return k.Model(inputs, layers.Dense(2)(inner(row(inner(inputs)))))


def functions(k):
    """Functions and operators on symbolic tensors."""
    ops, layers = k.ops, k.layers
    inputs = k.Input((4,))
    h = layers.Dense(4)(inputs)
    gate = ops.sigmoid(h) * 2 - 1
    h = ops.concatenate([gate, -h, h / 3.0, ops.mean(inputs, axis=-1, keepdims=True)], axis=-1)
    return k.Model(inputs, layers.Dense(2)(ops.reshape(h, (-1, 13))))


def attention(k):
    layers = k.layers
    inputs = k.Input((5, 8))
    h = layers.LayerNormalization()(inputs)
    h = layers.MultiHeadAttention(num_heads=2, key_dim=3)(h, h, use_causal_mask=True)
    h = layers.Add()([inputs, h])
    return k.Model(
        inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(h))
    )


def branches(k):
    """Branches of unequal depth: the order of layers is that of depth, not of creation."""
    layers = k.layers
    inputs = k.Input((4,))
    short = layers.Dense(2, name="short")(inputs)
    long = layers.Dense(3, name="long_1")(inputs)
    long = layers.Dense(2, name="long_2")(long)
    side = layers.Dense(2, name="side")(short)
    return k.Model(inputs, [layers.Add()([long, short]), layers.Dense(1, name="end")(side)])


MODELS = {
    f.__name__: f
    for f in (
        mlp,
        old_style,
        cnn,
        words,
        tagger,
        residual,
        two_ends,
        dicts,
        shared,
        nested,
        functions,
        attention,
        branches,
    )
}


def inputs_for(model, samples=6, seed=0):
    """Random data in the structure of the model's inputs: a Keras model's or one of unidl."""
    rng = np.random.default_rng(seed)
    arrays = []
    for tensor in model.inputs:
        shape = (samples, *tensor.shape[1:])
        arrays.append(
            rng.integers(0, 7, shape) if "int" in str(tensor.dtype) else rng.normal(size=shape)
        )
    if type(model).__name__ == "Functional" and isinstance(model.input, dict):
        return {tensor.name: array for tensor, array in zip(model.inputs, arrays, strict=True)}
    return arrays[0] if len(arrays) == 1 else arrays


def targets_for(model, samples=6, seed=1):
    """Random floats in the structure of the model's outputs."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=(samples, *tensor.shape[1:])) for tensor in model.outputs]
    if type(model).__name__ == "Functional" and isinstance(model.output, dict):
        return dict(zip(model.output, arrays, strict=True))
    return arrays[0] if len(arrays) == 1 else arrays


def randomize(model, seed=2):
    """Give a Keras model random weights (variances positive), so that no zero or one hides a
    mistake."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            rng.uniform(0.2, 0.9, w.shape) * (1 if w.ndim == 1 else rng.choice([-1, 1], w.shape))
            for w in model.get_weights()
        ]
    )
    return model

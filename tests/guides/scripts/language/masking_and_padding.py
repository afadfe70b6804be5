"""Masks: made by layers, passed on, taken by hand, changed by layers of one's own."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(62)
padded = keras.utils.pad_sequences(
    [[711, 632, 71], [73, 8, 3215, 55, 927], [83, 91, 1, 645, 1253, 927]], padding="post"
)
print("padded", padded.tolist()[0])

embedding = layers.Embedding(input_dim=5000, output_dim=4, mask_zero=True)
masked = embedding(padded)
print("mask", ops.convert_to_numpy(embedding.compute_mask(padded)).astype(int).tolist())
masking = layers.Masking(mask_value=0.0)
unmasked = np.repeat(padded[..., None], 3, axis=-1).astype("float32")
print("masking", ops.convert_to_numpy(masking.compute_mask(unmasked)).sum(axis=1).tolist())

model = keras.Sequential([embedding, layers.LSTM(4)])
by_hand = layers.LSTM(4)
lstm = model.layers[1]
result = model(padded)
by_hand.build((None, None, 4))
by_hand.set_weights(lstm.get_weights())
again = by_hand(masked, mask=embedding.compute_mask(padded))
print("same", np.allclose(ops.convert_to_numpy(result), ops.convert_to_numpy(again), atol=1e-6))


class TemporalSplit(layers.Layer):
    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        if mask is None:
            return None
        return ops.split(mask, 2, axis=1)


class CustomEmbedding(layers.Layer):
    def __init__(self, input_dim, output_dim, mask_zero=False, **kwargs):
        super().__init__(**kwargs)
        self.input_dim, self.output_dim, self.mask_zero = input_dim, output_dim, mask_zero

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim), initializer="random_normal", dtype="float32"
        )

    def call(self, inputs):
        inputs = ops.cast(inputs, "int32")
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class MyActivation(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.relu(inputs)


class TemporalSoftmax(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            raise ValueError(
                "`TemporalSoftmax` layer requires a previous layer to support masking."
            )
        mask = ops.expand_dims(ops.cast(mask, "float32"), -1)
        found = ops.exp(inputs) * mask
        return found / ops.sum(found, axis=1, keepdims=True)


first, second = TemporalSplit()(masked)
print("halves", tuple(first.shape), tuple(second.shape))
halves = TemporalSplit().compute_mask(masked, embedding.compute_mask(padded))
print("masks", [ops.convert_to_numpy(half).sum(axis=1).tolist() for half in halves])

inputs = keras.Input(shape=(None,), dtype="int32")
x = CustomEmbedding(5000, 4, mask_zero=True)(inputs)
x = layers.Dense(1)(MyActivation()(x))
outputs = TemporalSoftmax()(x)
model = keras.Model(inputs, outputs)
found = model.predict(padded, verbose=0)
print(
    "softmax",
    found.shape,
    found.sum(axis=(1, 2)).round(4).tolist(),
    bool((found[0, 3:] == 0).all()),
)

tagger = keras.Sequential(
    [
        keras.Input((None,), dtype="int32"),
        layers.Embedding(5000, 4, mask_zero=True),
        layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        layers.TimeDistributed(layers.Dense(2, activation="softmax")),
    ]
)
tagger.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
tags = (padded > 100).astype("int32")
history = tagger.fit(padded, tags, epochs=1, verbose=0)
print("tagger", sorted(history.history), tagger.output_shape)
whole, cut = (tagger.predict(rows, verbose=0) for rows in (padded[:1], padded[:1, :3]))
print("padding is no input", np.allclose(whole[:, :3], cut, atol=1e-5))

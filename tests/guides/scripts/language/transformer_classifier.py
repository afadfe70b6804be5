"""A transformer encoder as a layer, and its attention scores through a model beside it."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(63)
VOCAB, LENGTH, WIDTH, HEADS, INNER = 30, 12, 8, 2, 8


@keras.saving.register_keras_serializable(package="guides")
class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.ff_dim, self.rate = ff_dim, rate
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential(
            [layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)
        self.supports_masking = True

    def call(self, inputs, training=False, mask=None):
        padding = None if mask is None else ops.cast(mask[:, None, :], "int32")
        attn_output, scores = self.att(
            inputs, inputs, attention_mask=padding, return_attention_scores=True
        )
        attn_output = self.dropout1(attn_output, training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1), training=training)
        return self.layernorm2(out1 + ffn_output), scores

    def compute_mask(self, inputs, mask=None):
        return mask, None

    def get_config(self):
        return {
            **super().get_config(),
            "embed_dim": self.embed_dim,
            "num_heads": self.num_heads,
            "ff_dim": self.ff_dim,
            "rate": self.rate,
        }


@keras.saving.register_keras_serializable(package="guides")
class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, maxlen, vocab_size, embed_dim, **kwargs):
        super().__init__(**kwargs)
        self.maxlen, self.vocab_size, self.embed_dim = maxlen, vocab_size, embed_dim
        self.token_emb = layers.Embedding(vocab_size, embed_dim, mask_zero=True)
        self.pos_emb = layers.Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, x):
        positions = ops.arange(start=0, stop=ops.shape(x)[-1], step=1)
        return self.token_emb(x) + self.pos_emb(positions)

    def compute_mask(self, x, mask=None):
        return self.token_emb.compute_mask(x)

    def get_config(self):
        config = super().get_config()
        config.update(maxlen=self.maxlen, vocab_size=self.vocab_size, embed_dim=self.embed_dim)
        return config


inputs = layers.Input(shape=(LENGTH,))
x = TokenAndPositionEmbedding(LENGTH, VOCAB, WIDTH)(inputs)
x, scores = TransformerBlock(WIDTH, HEADS, INNER, name="block")(x)
x = layers.GlobalAveragePooling1D()(x)
x = layers.Dropout(0.1)(x)
x = layers.Dense(8, activation="relu")(x)
model = keras.Model(inputs=inputs, outputs=layers.Dense(2, activation="softmax")(x))
print("parameters", model.count_params(), model.output_shape)

rng = np.random.default_rng(0)
tokens = rng.integers(1, VOCAB, size=(32, LENGTH))
tokens[:, 8:] = 0
labels = (tokens[:, 0] > VOCAB // 2).astype("int32")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    tokens, labels, batch_size=8, epochs=2, validation_data=(tokens, labels), verbose=0
)
print("logs", sorted(history.history))

attention = keras.Model(model.inputs, scores)
found = attention.predict(tokens, verbose=0)
print("scores", found.shape, "no weight for padding", bool(found[..., 8:].max() < 1e-6))
model.save("classifier.keras")
again = keras.models.load_model("classifier.keras")
expected = model.predict(tokens, verbose=0)
assert np.allclose(again.predict(tokens, verbose=0), expected, atol=1e-6)
print("again", type(again.get_layer("block")).__name__, again.get_layer("block").num_heads)

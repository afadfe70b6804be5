"""Sequence to sequence by a transformer: encoder, causal decoder with cross attention, greedy
decoding; weights kept for each epoch."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(64)
VOCAB, LENGTH, WIDTH, HEADS, LATENT = 24, 8, 8, 2, 16
START, END = 1, 2


class TransformerEncoder(layers.Layer):
    def __init__(self, embed_dim, dense_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential(
            [layers.Dense(dense_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm_1, self.layernorm_2 = (
            layers.LayerNormalization(),
            layers.LayerNormalization(),
        )
        self.supports_masking = True

    def call(self, inputs, mask=None):
        padding_mask = None
        if mask is not None:
            padding_mask = ops.cast(mask[:, None, :], dtype="int32")
        attention_output = self.attention(
            query=inputs, value=inputs, key=inputs, attention_mask=padding_mask
        )
        proj_input = self.layernorm_1(inputs + attention_output)
        return self.layernorm_2(proj_input + self.dense_proj(proj_input))


class PositionalEmbedding(layers.Layer):
    def __init__(self, sequence_length, vocab_size, embed_dim, **kwargs):
        super().__init__(**kwargs)
        self.token_embeddings = layers.Embedding(vocab_size, embed_dim)
        self.position_embeddings = layers.Embedding(sequence_length, embed_dim)

    def call(self, inputs):
        length = ops.shape(inputs)[-1]
        positions = ops.arange(0, length, 1)
        return self.token_embeddings(inputs) + self.position_embeddings(positions)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0)


class TransformerDecoder(layers.Layer):
    def __init__(self, embed_dim, latent_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.attention_1 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.attention_2 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential(
            [layers.Dense(latent_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm_1 = layers.LayerNormalization()
        self.layernorm_2 = layers.LayerNormalization()
        self.layernorm_3 = layers.LayerNormalization()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        inputs, encoder_outputs = inputs
        causal_mask = self.get_causal_attention_mask(inputs)
        inputs_padding_mask = encoder_outputs_padding_mask = None
        if mask is not None:
            inputs_padding_mask, encoder_outputs_padding_mask = mask
        one = self.layernorm_1(
            inputs
            + self.attention_1(
                query=inputs,
                value=inputs,
                key=inputs,
                attention_mask=causal_mask,
                query_mask=inputs_padding_mask,
            )
        )
        two = self.layernorm_2(
            one
            + self.attention_2(
                query=one,
                value=encoder_outputs,
                key=encoder_outputs,
                query_mask=inputs_padding_mask,
                key_mask=encoder_outputs_padding_mask,
            )
        )
        return self.layernorm_3(two + self.dense_proj(two))

    def get_causal_attention_mask(self, inputs):
        batch_size, sequence_length = ops.shape(inputs)[0], ops.shape(inputs)[1]
        i = ops.arange(sequence_length)[:, None]
        j = ops.arange(sequence_length)
        mask = ops.cast(i >= j, dtype="int32")
        mask = ops.reshape(mask, (1, sequence_length, sequence_length))
        mult = ops.concatenate([ops.expand_dims(batch_size, -1), ops.convert_to_tensor([1, 1])])
        return ops.tile(mask, mult)


encoder_inputs = keras.Input(shape=(None,), dtype="int64", name="encoder_inputs")
x = PositionalEmbedding(LENGTH, VOCAB, WIDTH)(encoder_inputs)
encoder_outputs = TransformerEncoder(WIDTH, LATENT, HEADS)(x)
encoder = keras.Model(encoder_inputs, encoder_outputs)
decoder_inputs = keras.Input(shape=(None,), dtype="int64", name="decoder_inputs")
encoded_seq_inputs = keras.Input(shape=(None, WIDTH), name="decoder_state_inputs")
x = PositionalEmbedding(LENGTH, VOCAB, WIDTH)(decoder_inputs)
x = TransformerDecoder(WIDTH, LATENT, HEADS)([x, encoder_outputs])
x = layers.Dropout(0.5)(x)
decoder_outputs = layers.Dense(VOCAB, activation="softmax")(x)
transformer = keras.Model(
    {"encoder_inputs": encoder_inputs, "decoder_inputs": decoder_inputs},
    decoder_outputs,
    name="transformer",
)
transformer.summary()
print("parameters", transformer.count_params(), encoder.count_params())

rng = np.random.default_rng(0)
source = rng.integers(3, VOCAB, size=(32, LENGTH - 1))
source[:, 5:] = 0
target = np.concatenate(
    [np.full((32, 1), START), source[:, :5], np.full((32, 1), END), np.zeros((32, 1))], axis=1
).astype("int64")
transformer.compile(
    "rmsprop",
    loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=0),
    metrics=["accuracy"],
)
history = transformer.fit(
    {"encoder_inputs": source, "decoder_inputs": target[:, :-1]},
    target[:, 1:],
    batch_size=8,
    epochs=2,
    verbose=0,
)
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]

decoded = np.full((2, 1), START)
for i in range(4):
    predictions = transformer.predict(
        {"encoder_inputs": source[:2], "decoder_inputs": np.pad(decoded, ((0, 0), (0, 3 - i)))},
        verbose=0,
    )
    found = ops.convert_to_numpy(ops.argmax(predictions[:, i, :], axis=-1))
    decoded = np.concatenate([decoded, found[:, None]], axis=1)
print("decoded", decoded.shape)

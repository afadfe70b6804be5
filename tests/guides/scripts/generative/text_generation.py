"""A miniature GPT: causal attention, a callback that writes text as training goes on."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(36)
VOCAB, LENGTH, WIDTH = 20, 10, 16


class Block(layers.Layer):
    def __init__(self, width, heads, inner, rate=0.1):
        super().__init__()
        self.attention = layers.MultiHeadAttention(heads, width)
        self.inner = keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)])
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)
        self.drop1, self.drop2 = layers.Dropout(rate), layers.Dropout(rate)

    def call(self, inputs):
        batch, length = ops.shape(inputs)[0], ops.shape(inputs)[1]
        i, j = ops.arange(length)[:, None], ops.arange(length)
        mask = ops.reshape(ops.cast(i >= j, "bool"), (1, length, length))
        mask = ops.tile(mask, [batch, 1, 1])
        attended = self.drop1(self.attention(inputs, inputs, attention_mask=mask))
        one = self.norm1(inputs + attended)
        return self.norm2(one + self.drop2(self.inner(one)))


class TokenAndPosition(layers.Layer):
    def __init__(self, length, vocabulary, width):
        super().__init__()
        self.tokens = layers.Embedding(input_dim=vocabulary, output_dim=width)
        self.positions = layers.Embedding(input_dim=length, output_dim=width)

    def call(self, x):
        positions = ops.arange(0, ops.shape(x)[-1], 1)
        return self.tokens(x) + self.positions(positions)


inputs = keras.Input(shape=(LENGTH,), dtype="int32")
x = TokenAndPosition(LENGTH, VOCAB, WIDTH)(inputs)
x = Block(WIDTH, 2, 32)(x)
outputs = layers.Dense(VOCAB)(x)
model = keras.Model(inputs=inputs, outputs=[outputs, x])
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss=[loss_fn, None])


class Writer(keras.callbacks.Callback):
    def __init__(self, start, count, top_k=5):
        super().__init__()
        self.start, self.count, self.k = start, count, top_k
        self.rng = np.random.default_rng(0)

    def sample_from(self, logits):
        logits, indices = ops.top_k(logits, k=self.k, sorted=True)
        indices = np.asarray(ops.convert_to_numpy(indices)).astype("int32")
        chances = keras.activations.softmax(ops.expand_dims(logits, 0))[0]
        chances = np.asarray(ops.convert_to_numpy(chances)).astype("float64")
        return self.rng.choice(indices, p=chances / chances.sum())

    def on_epoch_end(self, epoch, logs=None):
        tokens = list(self.start)
        while len(tokens) < len(self.start) + self.count:
            padded = np.zeros((1, LENGTH), "int32")
            padded[0, : len(tokens)] = tokens
            logits, _ = self.model.predict(padded, verbose=0)
            tokens.append(int(self.sample_from(logits[0][len(tokens) - 1])))
        print("written", len(tokens))


text = np.arange(16 * (LENGTH + 1)).reshape(16, -1) % VOCAB
history = model.fit(text[:, :-1], text[:, 1:], verbose=0, epochs=2, callbacks=[Writer([1, 2], 3)])
print("logs", sorted(history.history), "parameters", model.count_params())
assert history.history["loss"][-1] < history.history["loss"][0]

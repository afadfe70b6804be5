"""Named entities: a loss of one's own that leaves out padding, masked accuracy, a subclass."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(66)
VOCAB, LENGTH, TAGS = 30, 9, 4


class CustomNonPaddingTokenLoss(keras.losses.Loss):
    def __init__(self, name="custom_ner_loss"):
        super().__init__(name=name)

    def call(self, y_true, y_pred):
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=False, reduction=None)
        loss = loss_fn(y_true, y_pred)
        mask = ops.cast((y_true > 0), dtype="float32")
        loss = loss * mask
        return ops.sum(loss) / ops.sum(mask)


def masked_accuracy(y_true, y_pred):
    mask = ops.cast(y_true > 0, "float32")
    hits = ops.cast(ops.equal(ops.cast(y_true, "int64"), ops.argmax(y_pred, axis=-1)), "float32")
    return ops.sum(hits * mask) / ops.maximum(ops.sum(mask), 1.0)


class NERModel(keras.Model):
    def __init__(self, num_tags, vocab_size, maxlen=LENGTH, embed_dim=8, num_heads=2):
        super().__init__()
        self.token = layers.Embedding(vocab_size, embed_dim)
        self.position = layers.Embedding(maxlen, embed_dim)
        self.attention = layers.MultiHeadAttention(num_heads, embed_dim // num_heads)
        self.norm = layers.LayerNormalization()
        self.dropout1 = layers.Dropout(0.1)
        self.ff = layers.Dense(8, activation="relu")
        self.dropout2 = layers.Dropout(0.1)
        self.ff_final = layers.Dense(num_tags, activation="softmax")

    def call(self, inputs, training=False):
        x = self.token(inputs) + self.position(ops.arange(ops.shape(inputs)[1]))
        x = self.norm(x + self.attention(x, x, training=training))
        x = self.dropout1(x, training=training)
        x = self.ff(x)
        x = self.dropout2(x, training=training)
        return self.ff_final(x)


rng = np.random.default_rng(0)
tokens = rng.integers(1, VOCAB, size=(32, LENGTH))
tags = 1 + tokens % (TAGS - 1)
for row, length in enumerate(rng.integers(3, LENGTH + 1, size=32)):
    tokens[row, length:] = tags[row, length:] = 0

model = NERModel(TAGS, VOCAB)
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=CustomNonPaddingTokenLoss(),
    metrics=[masked_accuracy],
)
history = model.fit(tokens, tags, epochs=3, batch_size=8, verbose=0)
print("logs", sorted(history.history), model.count_params())
assert history.history["loss"][-1] < history.history["loss"][0]
found = model.predict(tokens[:1], verbose=0).argmax(-1)
print("tags", found.shape, bool((found < TAGS).all()))

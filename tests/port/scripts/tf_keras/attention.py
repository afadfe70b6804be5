"""A block of a transformer, with positions computed by tf."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers


class Block(layers.Layer):
    def __init__(self, size, heads, inner, rate=0.0):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=heads, key_dim=size)
        self.ffn = tf.keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(size)])
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)

    def call(self, inputs):
        out = self.norm1(inputs + self.att(inputs, inputs))
        return self.norm2(out + self.ffn(out))


class Positions(layers.Layer):
    def __init__(self, length, words, size):
        super().__init__()
        self.words = layers.Embedding(input_dim=words, output_dim=size)
        self.places = layers.Embedding(input_dim=length, output_dim=size)

    def call(self, x):
        length = tf.shape(x)[-1]
        return self.words(x) + self.places(tf.range(start=0, limit=length, delta=1))


inputs = layers.Input(shape=(6,))
x = Block(8, 2, 12)(Positions(6, 30, 8)(inputs))
x = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling1D()(x))
model = tf.keras.Model(inputs=inputs, outputs=layers.Dense(2, activation="softmax")(x))
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
rng = np.random.RandomState(11)
words, labels = rng.randint(0, 30, (16, 6)), rng.randint(0, 2, 16)
history = model.fit(words, labels, batch_size=8, epochs=3, shuffle=False, verbose=0)
print(" ".join("%.5f" % value for value in history.history["loss"]))

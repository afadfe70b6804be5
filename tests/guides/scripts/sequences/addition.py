"""Adding numbers that are text: RepeatVector, a decoder over time, rows encoded by hand."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(75)
DIGITS, CHARACTERS = 2, "0123456789+ "
MAXLEN = DIGITS * 2 + 1


class CharacterTable:
    def __init__(self, characters):
        self.characters = sorted(set(characters))
        self.index = {c: i for i, c in enumerate(self.characters)}

    def encode(self, text, rows):
        x = np.zeros((rows, len(self.characters)))
        for i, c in enumerate(text):
            x[i, self.index[c]] = 1
        return x

    def decode(self, x):
        return "".join(self.characters[i] for i in x.argmax(axis=-1))


table, rng = CharacterTable(CHARACTERS), np.random.default_rng(0)
questions = [f"{a}+{b}" for a, b in rng.integers(0, 99, size=(96, 2))]
answers = [str(eval(question)) for question in questions]
x = np.array([table.encode(q.ljust(MAXLEN)[::-1], MAXLEN) for q in questions])
y = np.array([table.encode(a.ljust(DIGITS + 1), DIGITS + 1) for a in answers])
print("data", x.shape, y.shape, table.decode(y[0]).strip() == answers[0])

model = keras.Sequential()
model.add(layers.Input((MAXLEN, len(CHARACTERS))))
model.add(layers.LSTM(16))
model.add(layers.RepeatVector(DIGITS + 1))
for _ in range(1):
    model.add(layers.LSTM(16, return_sequences=True))
model.add(layers.Dense(len(CHARACTERS), activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
print("parameters", model.count_params(), model.output_shape)
for _ in range(2):
    history = model.fit(x, y, batch_size=32, epochs=1, validation_split=0.1, verbose=0)
print("logs", sorted(history.history))
guess = table.decode(
    np.argmax(model.predict(x[:1], verbose=0), axis=-1)[0][:, None] == np.arange(12)
)
print("guess", len(guess))

# Time series are classified by a transformer and by convolutions in the same way.
series = keras.Input((MAXLEN, len(CHARACTERS)))
z = layers.MultiHeadAttention(key_dim=8, num_heads=2, dropout=0.1)(series, series)
z = layers.LayerNormalization(epsilon=1e-6)(layers.Dropout(0.1)(z))
residual = z + series
z = layers.Conv1D(filters=4, kernel_size=1, activation="relu")(residual)
z = layers.Conv1D(filters=series.shape[-1], kernel_size=1)(z)
z = layers.GlobalAveragePooling1D(data_format="channels_last")(z + residual)
classifier = keras.Model(series, layers.Dense(2, activation="softmax")(z))
classifier.compile(
    "adam", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]
)
even = np.array([int(answer) % 2 for answer in answers])
print("classifier", sorted(classifier.fit(x, even, verbose=0).history), classifier.count_params())

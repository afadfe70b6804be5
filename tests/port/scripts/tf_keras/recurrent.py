"""Sequences padded and masked, through an LSTM and a GRU."""

import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import GRU, LSTM, Bidirectional, Dense, Embedding
from tensorflow.keras.models import Sequential
from tensorflow.keras.preprocessing.sequence import pad_sequences
from tensorflow.keras.utils import to_categorical

rng = np.random.RandomState(5)
sentences = [rng.randint(1, 15, size=length).tolist() for length in (3, 5, 2, 6, 4, 6, 1, 5)]
x = pad_sequences(sentences, maxlen=6, padding="post")
y = to_categorical(rng.randint(0, 3, 8), 3)
model = Sequential()
model.add(Embedding(input_dim=15, output_dim=5, mask_zero=True))
model.add(Bidirectional(LSTM(4, return_sequences=True)))
model.add(GRU(4))
model.add(Dense(3, activation="softmax"))
model.compile(
    loss="categorical_crossentropy", optimizer=tf.keras.optimizers.Adam(learning_rate=0.02)
)
history = model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0)
print(x.shape, " ".join("%.5f" % value for value in history.history["loss"]))

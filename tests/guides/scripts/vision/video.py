"""Video: ConvLSTM that predicts the next frame, and frames through TimeDistributed."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(53)
rng = np.random.default_rng(0)
frames = np.zeros((8, 6, 8, 8, 1), "float32")
for movie in frames:
    row, column = rng.integers(0, 8, size=2)
    for t, frame in enumerate(movie):
        frame[row, (column + t) % 8] = 1.0
x, y = frames[:, :-1], frames[:, 1:]

inputs = layers.Input(shape=(None, *x.shape[2:]))
z = layers.ConvLSTM2D(
    filters=4, kernel_size=(3, 3), padding="same", return_sequences=True, activation="relu"
)(inputs)
z = layers.BatchNormalization()(z)
z = layers.ConvLSTM2D(4, 1, padding="same", return_sequences=True, activation="relu")(z)
z = layers.Conv3D(1, kernel_size=(3, 3, 3), activation="sigmoid", padding="same")(z)
model = keras.Model(inputs, z)
model.compile(loss=keras.losses.binary_crossentropy, optimizer=keras.optimizers.Adam())
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=10)
reduce = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=5)
history = model.fit(
    x, y, batch_size=4, epochs=1, validation_data=(x, y), callbacks=[stop, reduce], verbose=0
)
print("logs", sorted(history.history), model.count_params(), model.output_shape)
movie = frames[0, :3]
for _ in range(2):
    following = model.predict(np.expand_dims(movie, axis=0), verbose=0)
    movie = np.concatenate([movie, following[0, -1:]], axis=0)
print("continued", movie.shape)

encoder = keras.Sequential(
    [keras.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.GlobalMaxPooling2D()]
)
clip = keras.Input((5, 8, 8, 1))
mask = keras.Input((5,), dtype="bool")
z = layers.TimeDistributed(encoder)(clip)
z = layers.GRU(8, return_sequences=True)(z, mask=mask)
z = layers.Dropout(0.4)(layers.GRU(4)(z))
classifier = keras.Model([clip, mask], layers.Dense(2, activation="softmax")(z))
classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
masks = np.arange(5)[None] < rng.integers(2, 6, size=(8, 1))
history = classifier.fit([x, masks], rng.integers(0, 2, size=8), epochs=1, verbose=0)
print("classified", sorted(history.history), classifier.count_params())

volume = keras.Sequential(
    [
        keras.Input((6, 8, 8, 1)),
        layers.Conv3D(4, 3, activation="relu"),
        layers.MaxPooling3D(2),
        layers.GlobalAveragePooling3D(),
        layers.Dense(1),
    ]
)
print("volume", volume.predict(frames, verbose=0).shape, volume.count_params())

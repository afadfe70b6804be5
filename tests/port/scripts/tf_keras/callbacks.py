"""Callbacks, schedules, a validation set, saving."""

import os
import tempfile

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
from keras.callbacks import EarlyStopping, LearningRateScheduler
from keras.layers import BatchNormalization, Dense
from keras.regularizers import l2

x = np.random.RandomState(6).rand(40, 4).astype("float32")
y = x.sum(axis=1, keepdims=True)
model = keras.models.Sequential(
    [
        keras.layers.InputLayer(shape=(4,)),
        Dense(8, activation="relu", use_bias=False, kernel_regularizer=l2(0.01)),
        BatchNormalization(),
        Dense(1),
    ]
)
model.compile(loss=keras.losses.MeanSquaredError(), optimizer=keras.optimizers.Adam(0.05))
history = model.fit(
    x,
    y,
    batch_size=10,
    epochs=4,
    shuffle=False,
    verbose=0,
    validation_data=(x[:8], y[:8]),
    callbacks=[
        EarlyStopping(patience=3, restore_best_weights=True),
        LearningRateScheduler(lambda epoch, rate: rate * 0.8),
    ],
)
print("loss", " ".join("%.5f" % value for value in history.history["loss"]))
print("val", " ".join("%.5f" % value for value in history.history["val_loss"]))
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
again = keras.models.load_model(path)
print("same", np.allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), atol=1e-5))

"""EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, LearningRateScheduler, CSVLogger and more."""

import csv
import glob
import os

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(13)
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 4)).astype("float32")
y = x @ np.array([[1.0], [2.0], [-1.0], [0.5]], "float32")


def make(rate=0.05):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def fit(model, *callbacks, **more):
    settings = {"epochs": 4, "batch_size": 16, "validation_split": 0.25, "shuffle": False}
    return model.fit(x, y, callbacks=list(callbacks), verbose=0, **(settings | more))


stop = keras.callbacks.EarlyStopping(
    "val_loss", patience=1, min_delta=10.0, restore_best_weights=True
)
history = fit(make(), stop, epochs=10)
print("stopped after", len(history.epoch), stop.stopped_epoch)

save = keras.callbacks.ModelCheckpoint(
    "best_{epoch:02d}.keras", monitor="val_loss", save_best_only=True
)
fit(make(), save)
print("saved", sorted(os.path.basename(path) for path in glob.glob("best_*.keras")))
every = keras.callbacks.ModelCheckpoint("w.weights.h5", save_weights_only=True, save_freq=2)
model = make()
fit(model, every)
print("weights", os.path.exists("w.weights.h5"))

plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.2, patience=1, min_delta=1e3)
model = make()
history = fit(model, plateau)
print("reduced", [round(rate, 6) for rate in history.history["learning_rate"]])

scheduler = keras.callbacks.LearningRateScheduler(
    lambda epoch, rate: rate if epoch < 2 else rate * 0.1
)
history = fit(make(), scheduler, keras.callbacks.CSVLogger("log.csv"))
print("scheduled", [round(rate, 6) for rate in history.history["learning_rate"]])
with open("log.csv") as file:
    print("csv", next(csv.reader(file)))

seen = []
fit(
    make(),
    keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(epoch),
        on_train_end=lambda logs: seen.append("end"),
    ),
    keras.callbacks.TerminateOnNaN(),
    epochs=2,
)
print("lambda", seen)

broken = make(rate=1e30)
print(
    "terminated after", len(fit(broken, keras.callbacks.TerminateOnNaN(), epochs=9).epoch), "epoch"
)


class Crash(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("power cut")


backup = keras.callbacks.BackupAndRestore(backup_dir="backup")
model = make()
try:
    fit(model, backup, Crash())
except RuntimeError as error:
    print("crashed:", error)
history = fit(model, keras.callbacks.BackupAndRestore(backup_dir="backup"))
print("went on to epoch", history.epoch[-1])
assert np.isfinite(history.history["loss"]).all()

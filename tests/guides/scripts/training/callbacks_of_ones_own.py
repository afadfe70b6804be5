"""Callbacks of one's own: every hook, stopping at the least loss, a schedule by epoch."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(14)
x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
y = x.sum(axis=1, keepdims=True)


def make():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=0.1), loss="mse", metrics=["mae"]
    )
    return model


class Diary(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.lines = []

    def on_train_begin(self, logs=None):
        self.lines.append(f"train {sorted(logs or {})} {sorted(self.params)}")

    def on_train_end(self, logs=None):
        self.lines.append(f"trained {sorted(logs)}")

    def on_epoch_begin(self, epoch, logs=None):
        self.lines.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.lines.append(f"epoch {epoch} ends {sorted(logs)}")

    def on_test_begin(self, logs=None):
        self.lines.append("test")

    def on_test_end(self, logs=None):
        self.lines.append(f"tested {sorted(logs)}")

    def on_predict_begin(self, logs=None):
        self.lines.append("predict")

    def on_train_batch_begin(self, batch, logs=None):
        self.lines.append(f"batch {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.lines.append(f"batch {batch} ends {sorted(logs)}")

    def on_predict_batch_end(self, batch, logs=None):
        self.lines.append(f"predicted {batch} {sorted(logs)} {tuple(logs['outputs'].shape)}")


model, diary = make(), Diary()
model.fit(x, y, batch_size=20, epochs=1, validation_split=0.5, verbose=0, callbacks=[diary])
model.evaluate(x, y, batch_size=20, verbose=0, callbacks=[diary])
model.predict(x, batch_size=20, verbose=0, callbacks=[diary])
for line in diary.lines:
    print(line)


class StopAtLeast(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience, self.best_weights = patience, None

    def on_train_begin(self, logs=None):
        self.wait, self.stopped_epoch, self.best = 0, 0, np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if current < self.best - 100 * (epoch > 0):
            self.best, self.wait, self.best_weights = current, 0, self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)


model, stop = make(), StopAtLeast()
history = model.fit(x, y, epochs=30, verbose=0, callbacks=[stop])
print("stopped in epoch", stop.stopped_epoch, len(history.epoch))


class Schedule(keras.callbacks.Callback):
    def __init__(self, table):
        super().__init__()
        self.table = table

    def on_epoch_begin(self, epoch, logs=None):
        rate = self.model.optimizer.learning_rate
        rate = float(np.asarray(keras.ops.convert_to_numpy(rate)))
        self.model.optimizer.learning_rate = self.table.get(epoch, rate)

    def on_epoch_end(self, epoch, logs=None):
        logs["rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


model = make()
history = model.fit(x, y, epochs=4, verbose=0, callbacks=[Schedule({1: 0.05, 3: 0.01})])
print("rates", [round(rate, 4) for rate in history.history.get("rate", [])])

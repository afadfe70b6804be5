"""Weather: windows over a series, an LSTM, Conv1D with causal padding, autoregression."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(72)
PAST, FUTURE, STEP = 12, 3, 2
rng = np.random.default_rng(0)
time = np.arange(160)
series = np.stack([np.sin(time / 5), np.cos(time / 9), rng.normal(size=160) * 0.1], axis=1)
split = int(0.75 * len(series))
mean, std = series[:split].mean(axis=0), series[:split].std(axis=0)
series = ((series - mean) / std).astype("float32")


class Windows(keras.utils.PyDataset):
    def __init__(self, series, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.series, self.batch_size = series, batch_size
        self.starts = np.arange(len(series) - PAST - FUTURE)

    def __len__(self):
        return int(np.ceil(len(self.starts) / self.batch_size))

    def __getitem__(self, index):
        starts = self.starts[index * self.batch_size : (index + 1) * self.batch_size]
        x = np.stack([self.series[s : s + PAST : STEP] for s in starts])
        return x, self.series[starts + PAST + FUTURE - 1, :1]


train, val = Windows(series[:split], 32), Windows(series[split:], 32)
x, y = train[0]
print("windows", x.shape, y.shape, len(train), len(val))

inputs = layers.Input(shape=(x.shape[1], x.shape[2]))
lstm_out = layers.LSTM(8)(inputs)
model = keras.Model(inputs=inputs, outputs=layers.Dense(1)(lstm_out))
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=5)
save = keras.callbacks.ModelCheckpoint(
    monitor="val_loss",
    filepath="model_checkpoint.weights.h5",
    verbose=0,
    save_weights_only=True,
    save_best_only=True,
)
history = model.fit(
    train, epochs=3, validation_data=val, callbacks=[stop, save], shuffle=False, verbose=0
)
print("logs", sorted(history.history), f"loss {history.history['loss'][-1]:.4f}")
assert history.history["loss"][-1] < history.history["loss"][0]
model.load_weights("model_checkpoint.weights.h5")
print("predicted", model.predict(val, verbose=0).shape)

wavenet = keras.Sequential([keras.Input((None, 3))])
for rate in (1, 2, 4):
    wavenet.add(
        layers.Conv1D(6, kernel_size=2, padding="causal", activation="relu", dilation_rate=rate)
    )
wavenet.add(layers.Conv1D(1, 1))
wavenet.compile("adam", loss=keras.losses.LogCosh(), metrics=["root_mean_squared_error"])
logs = wavenet.fit(series[None, :-1], series[None, 1:, :1], epochs=1, verbose=0).history
print("causal", sorted(logs), wavenet.count_params())
changed = series[None].copy()
changed[:, 50:] = 0
same = np.allclose(
    wavenet.predict(series[None], verbose=0)[:, :50], wavenet.predict(changed, verbose=0)[:, :50]
)
print("no future", same)


class FeedBack(keras.Model):
    def __init__(self, units, steps):
        super().__init__()
        self.steps = steps
        self.cell = layers.LSTMCell(units)
        self.rnn = layers.RNN(self.cell, return_state=True)
        self.dense = layers.Dense(3)

    def call(self, inputs, training=None):
        x, *state = self.rnn(inputs)
        predictions = [self.dense(x)]
        for _ in range(1, self.steps):
            x, state = self.cell(predictions[-1], states=state, training=training)
            predictions.append(self.dense(x))
        return keras.ops.stack(predictions, axis=1)


model = FeedBack(6, 4)
model.compile("adam", "mse")
windows = np.stack([series[s : s + 10] for s in range(0, 100, 5)])
model.fit(windows[:, :6], windows[:, 6:], epochs=1, verbose=0)
print("several steps", model.predict(windows[:2, :6], verbose=0).shape, model.count_params())

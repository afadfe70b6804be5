"""PyDataset, generators, dicts and tuples, steps_per_epoch; batches that differ in size."""

import math

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(15)
rng = np.random.default_rng(0)
x = rng.normal(size=(50, 3)).astype("float32")
y = (x[:, :1] > 0).astype("float32")


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size
        self.ends = 0

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.ends += 1


def make():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
    return model


def last(history):
    return {name: round(values[-1], 3) for name, values in sorted(history.history.items())}


batches = Batches(x, y, 16)
print("dataset", last(make().fit(batches, epochs=2, shuffle=False, verbose=0)), len(batches))
threads = Batches(x, y, 16, workers=2, use_multiprocessing=False, max_queue_size=4)
print("threads", last(make().fit(threads, epochs=2, shuffle=False, verbose=0)))
print("validated", last(make().fit(x, y, shuffle=False, verbose=0, validation_data=batches)))


def endless():
    while True:
        for start in range(0, 48, 16):
            yield x[start : start + 16], y[start : start + 16]


model = make()
print("generator", last(model.fit(endless(), steps_per_epoch=3, epochs=2, verbose=0)))
print("tested", [round(v, 3) for v in model.evaluate(endless(), steps=3, verbose=0)])
print("predicted", model.predict(((x[i : i + 10],) for i in range(0, 50, 10)), verbose=0).shape)


def weighted():
    for start in range(0, 50, 10):
        yield x[start : start + 10], y[start : start + 10], np.full((10,), 0.5, "float32")


print("weighted", last(make().fit(weighted(), verbose=0)))

a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
model = keras.Model({"a": a, "b": b}, {"out": layers.Dense(1, name="out")(a - b)})
model.compile("sgd", {"out": "mse"})


def dicts():
    for start in range(0, 50, 25):
        part = x[start : start + 25]
        yield {"a": part, "b": part * 2}, {"out": y[start : start + 25]}


print("dicts", sorted(model.fit(dicts(), verbose=0).history))
print("named", model.predict({"a": x, "b": x}, batch_size=20, verbose=0)["out"].shape)
print("iterations", int(model.optimizer.iterations))

"""Class weights, sample weights, validation data, several outputs: what `fit` takes."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(12)
rng = np.random.default_rng(0)
x = rng.normal(size=(60, 4)).astype("float32")
y = rng.integers(0, 3, size=60)
weights = np.where(y == 1, 2.0, 1.0).astype("float32")


def make():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, kernel_initializer="zeros", activation="softmax")]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy(name="weighted")],
    )
    return model


def shown(history):
    return {name: [round(v, 3) for v in values] for name, values in sorted(history.history.items())}


settings = {"epochs": 2, "batch_size": 20, "shuffle": False, "verbose": 0}
print("plain", shown(make().fit(x, y, **settings)))
print("class weight", shown(make().fit(x, y, class_weight={0: 1.0, 1: 2.0, 2: 1.0}, **settings)))
print("sample weight", shown(make().fit(x, y, sample_weight=weights, **settings)))
print("split", shown(make().fit(x, y, validation_split=0.2, **settings)))
given = make().fit(x, y, validation_data=(x, y, weights), validation_freq=2, **settings)
print("validation", shown(given))
print("evaluate", [round(v, 3) for v in make().evaluate(x, y, sample_weight=weights, verbose=0)])
logs = make().evaluate(x, y, verbose=0, return_dict=True)
print("named", {name: round(value, 3) for name, value in sorted(logs.items())})

inputs = keras.Input((4,), name="features")
shared = layers.Dense(5, kernel_initializer=keras.initializers.Constant(0.1))(inputs)
score = layers.Dense(1, name="score", kernel_initializer="ones")(shared)
kind = layers.Dense(3, name="kind", kernel_initializer="zeros", activation="softmax")(shared)
model = keras.Model(inputs, [score, kind])
model.compile(
    keras.optimizers.SGD(0.05),
    loss=[keras.losses.MeanSquaredError(), keras.losses.CategoricalCrossentropy()],
    loss_weights=[2.0, 1.0],
    metrics=[
        [keras.metrics.MeanAbsolutePercentageError()],
        ["accuracy", keras.metrics.TopKCategoricalAccuracy(k=2)],
    ],
)
targets = [x[:, :1], keras.utils.to_categorical(y, 3)]
history = model.fit({"features": x}, targets, **settings)
print("several", sorted(history.history))
print("loss", [round(v, 3) for v in history.history["loss"]])
print("batch", sorted(model.train_on_batch(x[:8], [t[:8] for t in targets], return_dict=True)))
print("predicted", [p.shape for p in model.predict_on_batch(x[:8])])

"""Rare fraud: class weights, focal loss, label smoothing, precision and recall, AUC."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(18)
rng = np.random.default_rng(0)
features = rng.normal(size=(400, 6)).astype("float32")
targets = (features[:, :1] + features[:, 1:2] > 2.2).astype("float32")
counts = np.bincount(targets[:, 0].astype(int))
print("counts", counts.tolist())
class_weight = {0: 1.0 / counts[0], 1: 1.0 / counts[1]}
mean, deviation = features.mean(axis=0), features.std(axis=0)
features = (features - mean) / deviation


def make(loss):
    model = keras.Sequential(
        [
            keras.Input(features.shape[1:]),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2),
        loss=loss,
        metrics=[
            keras.metrics.FalseNegatives(name="fn"),
            keras.metrics.TruePositives(name="tp"),
            keras.metrics.Precision(name="precision"),
            keras.metrics.Recall(name="recall"),
            keras.metrics.AUC(name="auc", curve="PR"),
            keras.metrics.F1Score(threshold=0.5, name="f1"),
        ],
    )
    return model


losses = {
    "weighted": ("binary_crossentropy", class_weight),
    "focal": (keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=2.0), None),
    "smoothed": (keras.losses.BinaryCrossentropy(label_smoothing=0.1), None),
}
for name, (loss, weight) in losses.items():
    model = make(loss)
    model.fit(features, targets, batch_size=64, epochs=4, verbose=0, class_weight=weight)
    logs = model.evaluate(features, targets, verbose=0, return_dict=True)
    print(name, sorted(logs), f"auc {logs['auc']:.4f} loss {logs['loss']:.4f}")
    assert logs["fn"] + logs["tp"] == counts[1]

one_hot = keras.utils.to_categorical(targets[:, 0].astype(int), 2)
model = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
model.compile(
    "adam",
    keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
    metrics=["categorical_accuracy", keras.metrics.SensitivityAtSpecificity(0.5)],
)
print("categorical", sorted(model.fit(features, one_hot, verbose=0).history))

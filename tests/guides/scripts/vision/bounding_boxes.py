"""Where and what: a box and a class from one network, IoU as a metric of one's own, key points."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(55)
SIZE = 16
rng = np.random.default_rng(0)
images = rng.random((48, SIZE, SIZE, 1)).astype("float32") * 0.1
corners = rng.integers(0, SIZE - 6, size=(48, 2))
kinds = rng.integers(0, 2, size=48)
for image, (top, left), kind in zip(images, corners, kinds, strict=True):
    image[top : top + 5, left : left + 5] += 1.0 if kind else 0.5
boxes = np.concatenate([corners, corners + 5], axis=1).astype("float32") / SIZE


@keras.saving.register_keras_serializable(package="guides")
class BoxIoU(keras.metrics.Metric):
    def __init__(self, name="box_iou", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        low = ops.maximum(y_true[:, :2], y_pred[:, :2])
        high = ops.minimum(y_true[:, 2:], y_pred[:, 2:])
        common = ops.prod(ops.maximum(high - low, 0.0), axis=1)
        area = sum(ops.prod(ops.relu(b[:, 2:] - b[:, :2]), axis=1) for b in (y_true, y_pred))
        self.total.assign(self.total + ops.sum(common / (area - common + 1e-6)))
        self.count.assign(self.count + ops.cast(ops.shape(y_true)[0], "float32"))

    def result(self):
        return self.total / (self.count + keras.config.epsilon())

    def reset_state(self):
        for variable in self.variables:
            variable.assign(ops.zeros_like(variable))


inputs = layers.Input((SIZE, SIZE, 1))
x = layers.Conv2D(8, 3, strides=2, activation="relu", padding="same")(inputs)
x = layers.Conv2D(8, 3, strides=2, activation="relu", padding="same")(x)
x = layers.Flatten()(x)
box = layers.Dense(4, activation="sigmoid", name="box")(layers.Dense(16, activation="relu")(x))
kind = layers.Dense(2, activation="softmax", name="kind")(x)
model = keras.Model(inputs, {"box": box, "kind": kind})
model.compile(
    optimizer=keras.optimizers.Adam(0.005),
    loss={"box": keras.losses.Huber(), "kind": "sparse_categorical_crossentropy"},
    loss_weights={"box": 10.0, "kind": 1.0},
    metrics={"box": [BoxIoU()], "kind": ["accuracy"]},
)
history = model.fit(images, {"box": boxes, "kind": kinds}, epochs=4, batch_size=16, verbose=0)
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]
model.save("boxes.keras")
again = keras.models.load_model("boxes.keras")
one = model.evaluate(images, {"box": boxes, "kind": kinds}, verbose=0, return_dict=True)
two = again.evaluate(images, {"box": boxes, "kind": kinds}, verbose=0, return_dict=True)
print("the same", all(abs(one[name] - two[name]) < 1e-5 for name in one), sorted(two))
print("boxes", model.predict(images, verbose=0)["box"].shape, model.count_params())

heat = keras.Sequential(
    [
        keras.Input((SIZE, SIZE, 1)),
        layers.SeparableConv2D(6, 3, padding="same", activation="relu"),
        layers.Conv2D(2, 1),
        layers.Reshape((-1, 2)),
        layers.Softmax(axis=1),
    ]
)
places = ops.convert_to_tensor(
    np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1).reshape(-1, 2).astype("float32")
)
points = ops.einsum("bpk,pc->bkc", heat(images), places)
print("key points", tuple(points.shape), heat.count_params())

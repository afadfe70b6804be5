"""Few-shot learning: weights taken and set between inner loops, as in Reptile."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(26)
CLASSES, SHOTS = 3, 4
rng = np.random.default_rng(0)


def sample_task():
    """A few points of each class, whose centres differ by task."""
    centres = rng.normal(size=(CLASSES, 4))
    labels = np.repeat(np.arange(CLASSES), SHOTS)
    points = centres[labels] + 0.1 * rng.normal(size=(len(labels), 4))
    order = rng.permutation(len(labels))
    return points[order].astype("float32"), labels[order]


inputs = layers.Input(shape=(4,))
x = layers.Dense(12, activation="relu")(inputs)
x = layers.BatchNormalization()(x)
model = keras.Model(inputs=inputs, outputs=layers.Dense(CLASSES, activation="softmax")(x))
model.compile()
optimizer = keras.optimizers.SGD(learning_rate=0.1)


def inner_steps(x, y, count):
    loss = None
    for _ in range(count):
        loss, gradients = keras.value_and_grad(
            lambda: ops.mean(
                keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
            ),
            model.trainable_weights,
        )
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    return float(loss)


losses = []
for meta_step in range(6):
    rate = 0.25 * (1 - meta_step / 6)
    old = model.get_weights()
    losses.append(inner_steps(*sample_task(), count=4))
    new = model.get_weights()
    model.set_weights([o + (n - o) * rate for o, n in zip(old, new, strict=True)])
print("steps", int(optimizer.iterations), "finite", bool(np.isfinite(losses).all()))

before = model.get_weights()
x, y = sample_task()
loss = inner_steps(x, y, count=25)
accuracy = (model.predict(x, verbose=0).argmax(axis=1) == y).mean()
model.set_weights(before)
print("fits a new task", bool(accuracy > 0.8), "parameters", model.count_params())

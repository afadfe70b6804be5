"""What is optimised is an image: deep dream's ascent, and a style by Gram matrices."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(50)
features = keras.Sequential(
    [
        keras.Input((12, 12, 3)),
        layers.Conv2D(6, 3, padding="same", activation="relu", name="low"),
        layers.AveragePooling2D(2),
        layers.Conv2D(8, 3, padding="same", activation="relu", name="high"),
    ]
)
extractor = keras.Model(
    inputs=features.inputs,
    outputs={name: features.get_layer(name).output for name in ("low", "high")},
)
rng = np.random.default_rng(0)
base, style = (rng.random((1, 12, 12, 3)).astype("float32") for _ in range(2))


def gram_matrix(x):
    x = ops.transpose(x, (2, 0, 1))
    x = ops.reshape(x, (ops.shape(x)[0], -1))
    return ops.matmul(x, ops.transpose(x))


def style_loss(style, combination):
    size = style.shape[0] * style.shape[1]
    difference = gram_matrix(style) - gram_matrix(combination)
    return ops.sum(ops.square(difference)) / (4.0 * style.shape[2] ** 2 * size**2)


def total_variation_loss(x):
    a = ops.square(x[:, :-1, :-1, :] - x[:, 1:, :-1, :])
    b = ops.square(x[:, :-1, :-1, :] - x[:, :-1, 1:, :])
    return ops.sum(ops.power(a + b + 1e-8, 1.25))


def compute_loss(combination):
    found = extractor(ops.concatenate([base, style, combination], axis=0))
    loss = 0.1 * ops.sum(ops.square(found["high"][2] - found["high"][0]))
    for name in ("low", "high"):
        loss = loss + 10.0 * style_loss(found[name][1], found[name][2])
    return loss + 1e-3 * total_variation_loss(combination)


combination = keras.Variable(base + 0.1, name="image")
schedule = keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=10, decay_rate=0.9)
optimizer = keras.optimizers.Adam(schedule)
losses = []
for _ in range(20):
    loss, gradients = keras.value_and_grad(lambda: compute_loss(combination), [combination])
    optimizer.apply(gradients, [combination])
    losses.append(float(loss))
print(f"style from {losses[0]:.2f} to {losses[-1]:.2f}")
assert losses[-1] < losses[0]

image = ops.convert_to_tensor(base)
activation = []
ascent = keras.grad(lambda x: ops.mean(extractor(x)["high"][..., 2]))
for _ in range(10):
    gradient = ascent(image)
    gradient = gradient / ops.maximum(ops.mean(ops.abs(gradient)), 1e-6)
    image = image + 0.05 * gradient
    activation.append(float(ops.mean(extractor(image)["high"][..., 2])))
print(f"filter from {activation[0]:.3f} to {activation[-1]:.3f}", tuple(image.shape))

"""Grad-CAM: where a network looks, by the gradient of a class for the last feature map."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(46)
inputs = keras.Input((12, 12, 1))
x = layers.Conv2D(6, 3, activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D()(x)
x = layers.Conv2D(8, 3, activation="relu", padding="same", name="last_conv")(x)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))

rng = np.random.default_rng(0)
labels = rng.integers(0, 2, size=64)
images = rng.random((64, 12, 12, 1)).astype("float32") * 0.2
for image, label in zip(images, labels, strict=True):
    side = slice(0, 4) if label == 0 else slice(8, 12)
    image[side, side] += 1.0
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images, labels, epochs=6, batch_size=16, verbose=0)


def make_heatmap(image, model, last_conv_name, index=None):
    last_conv = model.get_layer(last_conv_name)
    features_of = keras.Model(model.inputs, last_conv.output)
    classifier_input = keras.Input(shape=last_conv.output.shape[1:])
    x = classifier_input
    for layer in model.layers[model.layers.index(last_conv) + 1 :]:
        x = layer(x)
    classifier = keras.Model(classifier_input, x)

    features = features_of(image)
    if index is None:
        index = int(ops.argmax(classifier(features)[0]))
    gradient = keras.grad(lambda features: ops.sum(classifier(features)[:, index]))(features)
    pooled = ops.mean(gradient, axis=(0, 1, 2))
    heatmap = ops.squeeze(ops.matmul(features[0], pooled[:, None]), axis=-1)
    heatmap = ops.maximum(heatmap, 0)
    return ops.convert_to_numpy(heatmap / (ops.max(heatmap) + 1e-9)), index


heatmap, index = make_heatmap(images[:1], model, "last_conv")
print("heatmap", heatmap.shape, "of class", index)

saliency = keras.grad(lambda x: ops.sum(model(x)[:, 0]))(ops.convert_to_tensor(images[:2]))
print("saliency", tuple(saliency.shape), bool(np.isfinite(ops.convert_to_numpy(saliency)).all()))

# Integrated gradients: the mean of the gradients on the way from black to the image.
steps = ops.reshape(ops.linspace(0.0, 1.0, 9), (-1, 1, 1, 1))
image, black = ops.convert_to_tensor(images[:1]), ops.zeros((1, 12, 12, 1))
path = steps * image
gradients = keras.grad(lambda x: ops.sum(model(x)[:, 1]))(path)
integrated = ops.mean((gradients[:-1] + gradients[1:]) / 2, axis=0) * image[0]
difference = model(image)[0, 1] - model(black)[0, 1]
print("complete", abs(float(ops.sum(integrated) - difference)) < 0.2)

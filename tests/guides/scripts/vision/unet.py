"""Image segmentation by a U-Net: transposed convolutions, skips, IoU, weights for pixels."""

import numpy as np

import unidl as keras
from unidl import layers

keras.utils.set_random_seed(44)


def get_model(size, num_classes):
    inputs = keras.Input(shape=(*size, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    previous = x
    for filters in [12]:
        x = layers.SeparableConv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        residual = layers.Conv2D(filters, 1, strides=2, padding="same")(previous)
        x = layers.add([x, residual])
        previous = x
    for filters in [12, 8]:
        x = layers.Activation("relu")(x)
        x = layers.Conv2DTranspose(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.UpSampling2D(2)(x)
        residual = layers.UpSampling2D(2)(previous)
        residual = layers.Conv2D(filters, 1, padding="same")(residual)
        x = layers.add([x, residual])
        previous = x
    outputs = layers.Conv2D(num_classes, 3, activation="softmax", padding="same")(x)
    return keras.Model(inputs, outputs)


def unet(size):
    inputs = keras.Input((*size, 1))
    one = layers.Conv2D(4, 3, activation="relu", padding="same")(inputs)
    two = layers.Conv2D(8, 3, activation="relu", padding="same")(layers.MaxPooling2D()(one))
    up = layers.Conv2DTranspose(4, 2, strides=(2, 2), padding="same")(two)
    up = layers.concatenate([up, one], axis=3)
    return keras.Model(inputs, layers.Conv2D(1, (1, 1), activation="sigmoid")(up))


rng = np.random.default_rng(0)
images = rng.random((16, 16, 16, 3)).astype("float32")
masks = (images.mean(axis=-1, keepdims=True) * 2.99).astype("uint8")
model = get_model((16, 16), 3)
print("parameters", model.count_params(), model.output_shape)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=[keras.metrics.MeanIoU(num_classes=3, sparse_y_pred=False, name="iou"), "accuracy"],
)
history = model.fit(images, masks, epochs=1, batch_size=8, verbose=0)
print("logs", sorted(history.history))
pixels = np.where(masks[..., 0] == 1, 2.0, 1.0)
model.compile("adam", "sparse_categorical_crossentropy")
history = model.fit(images, masks, sample_weight=pixels, epochs=1, batch_size=8, verbose=0)
print("weighted", np.isfinite(history.history["loss"]).all())


def dice_coefficient(y_true, y_pred, smooth=1.0):
    y_true, y_pred = keras.ops.reshape(y_true, (-1,)), keras.ops.reshape(y_pred, (-1,))
    y_true = keras.ops.cast(y_true, y_pred.dtype)
    common = keras.ops.sum(y_true * y_pred)
    return (2.0 * common + smooth) / (keras.ops.sum(y_true) + keras.ops.sum(y_pred) + smooth)


def dice_loss(y_true, y_pred):
    return 1 - dice_coefficient(y_true, y_pred)


for loss in (dice_loss, keras.losses.Dice(), keras.losses.Tversky(alpha=0.3, beta=0.7)):
    model = unet((16, 16))
    model.compile(
        "adam", loss, metrics=[dice_coefficient, keras.metrics.BinaryIoU([1], name="iou")]
    )
    logs = model.fit(images[..., :1], masks > 0, epochs=1, batch_size=8, verbose=0).history
    print("binary", sorted(logs), model.count_params())

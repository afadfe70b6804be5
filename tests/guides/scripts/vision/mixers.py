"""MLP-Mixer, FNet and ConvMixer: blocks that mix without attention, chosen by a function."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(54)
SIZE, PATCH, WIDTH = 8, 4, 8
PATCHES = (SIZE // PATCH) ** 2


class MLPMixerLayer(layers.Layer):
    def __init__(self, num_patches, hidden_units, dropout_rate, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mlp1 = keras.Sequential(
            [
                layers.Dense(units=num_patches, activation="gelu"),
                layers.Dense(units=num_patches),
                layers.Dropout(rate=dropout_rate),
            ]
        )
        self.mlp2 = keras.Sequential(
            [
                layers.Dense(units=hidden_units, activation="gelu"),
                layers.Dense(units=hidden_units),
                layers.Dropout(rate=dropout_rate),
            ]
        )
        self.normalize = layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        return super().build(input_shape)

    def call(self, inputs):
        x = self.normalize(inputs)
        x_channels = ops.transpose(x, axes=(0, 2, 1))
        mlp1_outputs = ops.transpose(self.mlp1(x_channels), axes=(0, 2, 1))
        x = mlp1_outputs + inputs
        return x + self.mlp2(self.normalize(x))


class FNetLayer(layers.Layer):
    def __init__(self, embedding_dim, dropout_rate, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ffn = keras.Sequential(
            [
                layers.Dense(units=embedding_dim, activation="gelu"),
                layers.Dropout(rate=dropout_rate),
                layers.Dense(units=embedding_dim),
            ]
        )
        self.normalize1 = layers.LayerNormalization(epsilon=1e-6)
        self.normalize2 = layers.LayerNormalization(epsilon=1e-6)

    def call(self, inputs):
        real_part, im_part = inputs, ops.zeros_like(inputs)
        x = ops.fft2((real_part, im_part))[0]
        x = self.normalize1(x + inputs)
        return self.normalize2(x + self.ffn(x))


class Positions(layers.Layer):
    def build(self, input_shape):
        self.table = layers.Embedding(PATCHES, WIDTH)
        self.table.build()

    def call(self, x):
        return x + self.table(ops.arange(start=0, stop=PATCHES, step=1))


def build_classifier(blocks, positional_encoding=False):
    inputs = layers.Input(shape=(SIZE, SIZE, 3))
    patches = layers.Conv2D(WIDTH, PATCH, strides=PATCH)(inputs)
    x = layers.Reshape((PATCHES, WIDTH))(patches)
    if positional_encoding:
        x = Positions()(x)
    x = blocks(x)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(rate=0.2)(x)
    return keras.Model(inputs=inputs, outputs=layers.Dense(3)(x))


def conv_mixer():
    def activation_block(x):
        return layers.BatchNormalization()(layers.Activation("gelu")(x))

    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(scale=1.0 / 255)(inputs)
    x = activation_block(layers.Conv2D(WIDTH, kernel_size=2, strides=2)(x))
    for _ in range(2):
        x0 = x
        x = layers.DepthwiseConv2D(kernel_size=3, padding="same")(x)
        x = layers.Add()([activation_block(x), x0])
        x = activation_block(layers.Conv2D(WIDTH, kernel_size=1)(x))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAvgPool2D()(x)))


mixer = keras.Sequential([MLPMixerLayer(PATCHES, WIDTH, 0.2) for _ in range(2)])
fnet = keras.Sequential([FNetLayer(WIDTH, 0.2) for _ in range(2)])
rng = np.random.default_rng(0)
images = rng.integers(0, 256, size=(24, SIZE, SIZE, 3)).astype("float32")
labels = rng.integers(0, 3, size=24)
for name, model in (
    ("mixer", build_classifier(mixer)),
    ("fnet", build_classifier(fnet, positional_encoding=True)),
    ("convolutions", conv_mixer()),
):
    model.compile(
        optimizer=keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
    )
    reduce_lr = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=5)
    history = model.fit(
        images, labels, batch_size=8, validation_split=0.25, callbacks=[reduce_lr], verbose=0
    )
    print(name, sorted(history.history), model.count_params())

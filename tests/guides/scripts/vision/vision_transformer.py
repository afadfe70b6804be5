"""A vision transformer: patches by reshaping, position embeddings, encoder blocks."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(45)
SIZE, PATCH, WIDTH, HEADS, DEPTH = 12, 4, 16, 2, 2
PATCHES = (SIZE // PATCH) ** 2


class Patches(layers.Layer):
    def __init__(self, patch_size, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size

    def call(self, images):
        batch, height, width, channels = ops.shape(images)
        rows, columns = height // self.patch_size, width // self.patch_size
        x = ops.reshape(images, (batch, rows, self.patch_size, columns, self.patch_size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch, rows * columns, self.patch_size**2 * channels))

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}


class PatchEncoder(layers.Layer):
    def __init__(self, num_patches, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.num_patches = num_patches
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(num_patches, projection_dim)

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(start=0, stop=self.num_patches, step=1), axis=0)
        return self.projection(patch) + self.position_embedding(positions)


class ClassToken(layers.Layer):
    def build(self, input_shape):
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), name="token")

    def call(self, x):
        token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([token, x], axis=1)


def mlp(x, hidden_units, dropout_rate):
    for units in hidden_units:
        x = layers.Dense(units, activation=keras.activations.gelu)(x)
        x = layers.Dropout(dropout_rate)(x)
    return x


inputs = keras.Input(shape=(SIZE, SIZE, 3))
encoded = PatchEncoder(PATCHES, WIDTH)(Patches(PATCH)(inputs))
encoded = ClassToken()(encoded)
for _ in range(DEPTH):
    x1 = layers.LayerNormalization(epsilon=1e-6)(encoded)
    attended = layers.MultiHeadAttention(num_heads=HEADS, key_dim=WIDTH, dropout=0.1)(x1, x1)
    x2 = layers.Add()([attended, encoded])
    x3 = layers.LayerNormalization(epsilon=1e-6)(x2)
    x3 = mlp(x3, hidden_units=[WIDTH * 2, WIDTH], dropout_rate=0.1)
    encoded = layers.Add()([x3, x2])
features = layers.LayerNormalization(epsilon=1e-6)(encoded)[:, 0]
model = keras.Model(inputs, layers.Dense(4)(features))
print("parameters", model.count_params(), model.output_shape)

rng = np.random.default_rng(0)
images, labels = rng.random((24, SIZE, SIZE, 3)).astype("float32"), rng.integers(0, 4, size=(24, 1))
model.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2"),
    ],
)
checkpoint = keras.callbacks.ModelCheckpoint(
    "vit.weights.h5", monitor="val_accuracy", save_best_only=True, save_weights_only=True
)
history = model.fit(
    images, labels, batch_size=8, epochs=2, validation_split=0.25, callbacks=[checkpoint], verbose=0
)
print("logs", sorted(history.history))
model.load_weights("vit.weights.h5")
print("evaluated", len(model.evaluate(images, labels, verbose=0)))
patches = Patches(PATCH)(images[:1])
same = np.array_equal(ops.convert_to_numpy(patches)[0, 0].reshape(4, 4, 3), images[0, :4, :4])
print("patches", tuple(patches.shape), same)

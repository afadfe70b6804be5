"""Masked autoencoder: patches chosen by argsort and gather, a mask token, losses of the hidden."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(27)
PATCHES, WIDTH, DIM, KEPT = 9, 8, 12, 3


class PatchEncoder(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(3)
        self.mask_token = self.add_weight(shape=(1, DIM), name="mask_token")

    def build(self, input_shape):
        self.projection = layers.Dense(units=WIDTH)
        self.position_embedding = layers.Embedding(input_dim=PATCHES, output_dim=WIDTH)
        self.projection.build(input_shape)
        self.position_embedding.build()

    def call(self, patches):
        batch_size = ops.shape(patches)[0]
        positions = self.position_embedding(ops.arange(PATCHES)[None, ...])
        positions = ops.tile(positions, [batch_size, 1, 1])
        embeddings = self.projection(patches) + positions
        drawn = keras.random.uniform((batch_size, PATCHES), seed=self.seed_generator)
        order = ops.argsort(drawn, axis=-1)
        hidden, kept = order[:, KEPT:], order[:, :KEPT]
        kept_embeddings = ops.take_along_axis(embeddings, kept[..., None], axis=1)
        kept_positions = ops.take_along_axis(positions, kept[..., None], axis=1)
        hidden_positions = ops.take_along_axis(positions, hidden[..., None], axis=1)
        tokens = ops.repeat(self.mask_token[None], batch_size, axis=0)
        tokens = ops.repeat(tokens, PATCHES - KEPT, axis=1)
        masked = self.projection(tokens) + hidden_positions
        return kept_embeddings, masked, kept_positions, hidden, kept


def block(name):
    inputs = layers.Input((None, WIDTH))
    x = layers.LayerNormalization(epsilon=1e-6)(inputs)
    x = layers.Add()([layers.MultiHeadAttention(2, WIDTH, dropout=0.1)(x, x), inputs])
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    return keras.Model(
        inputs, layers.Add()([layers.Dense(WIDTH, activation="gelu")(y), x]), name=name
    )


class MaskedAutoencoder(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.patch_encoder = PatchEncoder()
        self.encoder, self.decoder = block("encoder"), block("decoder")
        self.head = layers.Dense(DIM)

    def calculate_loss(self, patches, training):
        kept, masked, kept_positions, hidden, _ = self.patch_encoder(patches)
        encoded = self.encoder(kept, training=training) + kept_positions
        decoded = self.decoder(ops.concatenate([encoded, masked], axis=1), training=training)
        restored = self.head(decoded)[:, KEPT:]
        wanted = ops.take_along_axis(patches, hidden[..., None], axis=1)
        return self.compute_loss(y=wanted, y_pred=restored), wanted, restored

    def train_step(self, patches):
        def losses():
            loss, wanted, restored = self.calculate_loss(patches, training=True)
            return loss, (wanted, restored)

        (loss, (wanted, restored)), gradients = keras.value_and_grad(
            losses, self.trainable_variables, has_aux=True
        )
        self.optimizer.apply(gradients, self.trainable_variables)
        results = self.compute_metrics(patches, wanted, restored)
        return {**results, "loss": loss}

    def test_step(self, patches):
        loss, wanted, restored = self.calculate_loss(patches, training=False)
        return {**self.compute_metrics(patches, wanted, restored), "loss": loss}


rng = np.random.default_rng(0)
patches = np.repeat(rng.random((48, 1, DIM)), PATCHES, axis=1).astype("float32")
model = MaskedAutoencoder()
model.patch_encoder(patches[:2])  # makes the weights
model.head.build((None, None, WIDTH))
model.compile(keras.optimizers.AdamW(0.01), keras.losses.MeanSquaredError(), metrics=["mae"])
history = model.fit(patches, epochs=3, batch_size=16, verbose=0, validation_data=(patches,))
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]
print(
    "weights",
    len(model.trainable_weights),
    sum(int(np.prod(w.shape)) for w in model.trainable_weights),
)

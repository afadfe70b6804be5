"""VQ-VAE: nearest codes, the straight-through estimator, losses of a layer and of a step."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(38)


class VectorQuantizer(layers.Layer):
    def __init__(self, num_embeddings, embedding_dim, beta=0.25, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim, self.num_embeddings, self.beta = embedding_dim, num_embeddings, beta
        self.embeddings = self.add_weight(
            shape=(embedding_dim, num_embeddings), initializer="random_uniform", name="codes"
        )

    def call(self, x):
        input_shape = ops.shape(x)
        flattened = ops.reshape(x, [-1, self.embedding_dim])
        encoding_indices = self.get_code_indices(flattened)
        encodings = ops.one_hot(encoding_indices, self.num_embeddings)
        quantized = ops.matmul(encodings, ops.transpose(self.embeddings))
        quantized = ops.reshape(quantized, input_shape)
        commitment_loss = ops.mean((ops.stop_gradient(quantized) - x) ** 2)
        codebook_loss = ops.mean((quantized - ops.stop_gradient(x)) ** 2)
        self.add_loss(self.beta * commitment_loss + codebook_loss)
        return x + ops.stop_gradient(quantized - x)

    def get_code_indices(self, flattened):
        similarity = ops.matmul(flattened, self.embeddings)
        distances = (
            ops.sum(flattened**2, axis=1, keepdims=True)
            + ops.sum(self.embeddings**2, axis=0)
            - 2 * similarity
        )
        return ops.argmin(distances, axis=1)


def get_encoder(latent_dim):
    encoder_inputs = keras.Input(shape=(8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu", strides=2, padding="same")(encoder_inputs)
    return keras.Model(encoder_inputs, layers.Conv2D(latent_dim, 1)(x), name="encoder")


def get_decoder(shape):
    latent_inputs = keras.Input(shape=shape)
    x = layers.Conv2DTranspose(8, 3, activation="relu", strides=2, padding="same")(latent_inputs)
    return keras.Model(
        latent_inputs, layers.Conv2DTranspose(1, 3, padding="same")(x), name="decoder"
    )


def get_vqvae(latent_dim=4, num_embeddings=8):
    vq_layer = VectorQuantizer(num_embeddings, latent_dim, name="vector_quantizer")
    encoder = get_encoder(latent_dim)
    decoder = get_decoder(encoder.output.shape[1:])
    inputs = keras.Input(shape=(8, 8, 1))
    return keras.Model(inputs, decoder(vq_layer(encoder(inputs))), name="vq_vae")


class VQVAETrainer(keras.Model):
    def __init__(self, train_variance, latent_dim=4, num_embeddings=8, **kwargs):
        super().__init__(**kwargs)
        self.train_variance = train_variance
        self.vqvae = get_vqvae(latent_dim, num_embeddings)
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.vq_loss_tracker = keras.metrics.Mean(name="vq_loss")

    @property
    def metrics(self):
        return [self.total_loss_tracker, self.vq_loss_tracker]

    def train_step(self, x):
        def losses():
            reconstructions = self.vqvae(x)
            reconstruction_loss = ops.mean((x - reconstructions) ** 2) / self.train_variance
            vq_loss = sum(self.vqvae.losses)
            return reconstruction_loss + vq_loss, vq_loss

        (total, vq), gradients = keras.value_and_grad(
            losses, self.vqvae.trainable_variables, has_aux=True
        )
        self.optimizer.apply_gradients(zip(gradients, self.vqvae.trainable_variables, strict=True))
        self.total_loss_tracker.update_state(total)
        self.vq_loss_tracker.update_state(vq)
        return {
            "loss": self.total_loss_tracker.result(),
            "vqvae_loss": self.vq_loss_tracker.result(),
        }


images = np.random.default_rng(0).random((32, 8, 8, 1)).astype("float32") - 0.5
trainer = VQVAETrainer(float(np.var(images)))
trainer.compile(optimizer=keras.optimizers.Adam(0.003))
history = trainer.fit(images, epochs=3, batch_size=8, verbose=0)
print({name: round(values[-1], 3) for name, values in sorted(history.history.items())})
assert history.history["loss"][-1] < history.history["loss"][0]
quantizer = trainer.vqvae.get_layer("vector_quantizer")
encoded = trainer.vqvae.get_layer("encoder").predict(images, verbose=0)
flat = encoded.reshape(-1, encoded.shape[-1])
codes = ops.convert_to_numpy(quantizer.get_code_indices(ops.convert_to_tensor(flat)))
print("codes", codes.reshape(encoded.shape[:-1]).shape, bool((codes < 8).all()))
print("parameters", trainer.vqvae.count_params(), len(trainer.trainable_variables))

"""Denoising diffusion: a schedule of noise, a network with time embedding, an averaged copy."""

import math

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(34)
SIZE, DIMS = 8, 8


@keras.saving.register_keras_serializable(package="guides")
def sinusoidal(x):
    frequencies = ops.exp(ops.linspace(ops.log(1.0), ops.log(1000.0), DIMS // 2))
    angles = ops.cast(2.0 * math.pi * frequencies, "float32")
    return ops.concatenate([ops.sin(angles * x), ops.cos(angles * x)], axis=3)


def residual_block(width):
    def apply(x):
        residual = x if x.shape[3] == width else layers.Conv2D(width, kernel_size=1)(x)
        x = layers.BatchNormalization(center=False, scale=False)(x)
        x = layers.Conv2D(width, 3, padding="same", activation="swish")(x)
        x = layers.Conv2D(width, 3, padding="same")(x)
        return layers.Add()([x, residual])

    return apply


def get_network():
    images = keras.Input(shape=(SIZE, SIZE, 1), name="noisy")
    variances = keras.Input(shape=(1, 1, 1), name="variances")
    e = layers.Lambda(sinusoidal, output_shape=(1, 1, DIMS))(variances)
    e = layers.UpSampling2D(size=SIZE, interpolation="nearest")(e)
    x = layers.Concatenate()([layers.Conv2D(8, 1)(images), e])
    skip = residual_block(8)(x)
    x = layers.AveragePooling2D(pool_size=2)(skip)
    x = residual_block(12)(x)
    x = layers.UpSampling2D(size=2, interpolation="bilinear")(x)
    x = residual_block(8)(layers.Concatenate()([x, skip]))
    x = layers.Conv2D(1, kernel_size=1, kernel_initializer="zeros")(x)
    return keras.Model([images, variances], x, name="unet")


class Diffusion(keras.Model):
    def __init__(self):
        super().__init__()
        self.normalizer = layers.Normalization()
        self.network = get_network()
        self.ema_network = keras.models.clone_model(self.network)
        self.seeds = keras.random.SeedGenerator(7)

    def compile(self, **kwargs):
        super().compile(**kwargs)
        self.noise_loss_tracker = keras.metrics.Mean(name="n_loss")

    @property
    def metrics(self):
        return [self.noise_loss_tracker]

    def diffusion_schedule(self, times):
        start, end = math.acos(0.95), math.acos(0.02)
        angles = start + times * (end - start)
        return ops.sin(angles), ops.cos(angles)

    def denoise(self, noisy, noise_rates, signal_rates, training):
        network = self.network if training else self.ema_network
        noises = network([noisy, noise_rates**2], training=training)
        return noises, (noisy - noise_rates * noises) / signal_rates

    def generate(self, count, steps):
        images = keras.random.normal((count, SIZE, SIZE, 1), seed=self.seeds)
        for step in range(steps):
            times = ops.ones((count, 1, 1, 1)) - step / steps
            rates = self.diffusion_schedule(times)
            noises, cleaned = self.denoise(images, *rates, training=False)
            noise_rates, signal_rates = self.diffusion_schedule(times - 1 / steps)
            images = signal_rates * cleaned + noise_rates * noises
        images = self.normalizer.mean + cleaned * self.normalizer.variance**0.5
        return ops.clip(images, 0.0, 1.0)

    def train_step(self, images):
        images = self.normalizer(images)
        count = ops.shape(images)[0]
        noises = keras.random.normal(ops.shape(images), seed=self.seeds)
        times = keras.random.uniform((count, 1, 1, 1), seed=self.seeds)
        noise_rates, signal_rates = self.diffusion_schedule(times)
        noisy = signal_rates * images + noise_rates * noises

        def noise_loss():
            found, _ = self.denoise(noisy, noise_rates, signal_rates, training=True)
            return self.loss(noises, found)

        loss, gradients = keras.value_and_grad(noise_loss, self.network.trainable_weights)
        self.optimizer.apply(gradients, self.network.trainable_weights)
        self.noise_loss_tracker.update_state(loss)
        for weight, ema_weight in zip(self.network.weights, self.ema_network.weights, strict=True):
            ema_weight.assign(0.9 * ema_weight + 0.1 * weight)
        return {metric.name: metric.result() for metric in self.metrics}


images = np.random.default_rng(0).random((16, SIZE, SIZE, 1)).astype("float32")
model = Diffusion()
model.normalizer.adapt(images)
model.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4),
    loss=keras.losses.MeanAbsoluteError(),
)
history = model.fit(images, epochs=2, batch_size=8, verbose=0)
print("logs", sorted(history.history), f"{history.history['n_loss'][-1]:.4f}")
generated = ops.convert_to_numpy(model.generate(2, steps=3))
print("generated", generated.shape, bool(generated.min() >= 0 and generated.max() <= 1))
print("parameters", model.network.count_params(), len(model.ema_network.weights))

"""Wasserstein GAN with gradient penalty: the critic's slope, and a slope of that slope.

A backend without gradients of gradients gets the slope from a difference of two points."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(32)


class WGAN(keras.Model):
    def __init__(self, critic, generator, latent_dim, critic_steps=2, weight=10.0):
        super().__init__()
        self.critic, self.generator = critic, generator
        self.latent_dim, self.critic_steps, self.weight = latent_dim, critic_steps, weight
        self.seeds = keras.random.SeedGenerator(3)

    def compile(self, critic_optimizer, generator_optimizer):
        super().compile()
        self.critic_optimizer, self.generator_optimizer = critic_optimizer, generator_optimizer

    def gradient_penalty(self, real, fake):
        """(|slope along the line from real to fake| - 1)**2, from two points of that line."""
        count = ops.shape(real)[0]
        alpha = keras.random.uniform((count, 1), 0.0, 0.9, seed=self.seeds)
        difference = fake - real
        distance = ops.sqrt(ops.sum(ops.square(difference), axis=1, keepdims=True) + 1e-12)
        here, there = real + alpha * difference, real + (alpha + 0.1) * difference
        slope = (self.critic(there) - self.critic(here)) / (0.1 * distance)
        return ops.mean(ops.square(ops.abs(slope) - 1.0))

    def train_step(self, real):
        count = ops.shape(real)[0]
        for _ in range(self.critic_steps):
            noise = keras.random.normal((count, self.latent_dim), seed=self.seeds)
            fake = self.generator(noise, training=True)

            def cost(fake=fake):
                worth = ops.mean(self.critic(fake)) - ops.mean(self.critic(real))
                return worth + self.weight * self.gradient_penalty(real, fake)

            d_loss, gradients = keras.value_and_grad(cost, self.critic.trainable_variables)
            self.critic_optimizer.apply(gradients, self.critic.trainable_variables)

        noise = keras.random.normal((count, self.latent_dim), seed=self.seeds)
        g_loss, gradients = keras.value_and_grad(
            lambda: -ops.mean(self.critic(self.generator(noise, training=True))),
            self.generator.trainable_variables,
        )
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
        return {"d_loss": d_loss, "g_loss": g_loss}


critic = keras.Sequential(
    [
        keras.Input((4,)),
        layers.Dense(16),
        layers.LeakyReLU(negative_slope=0.2),
        layers.LayerNormalization(),
        layers.Dense(1),
    ]
)
generator = keras.Sequential(
    [
        keras.Input((2,)),
        layers.Dense(16, use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Dense(4, activation="tanh"),
    ]
)
real = np.tanh(np.random.default_rng(0).normal(size=(32, 4))).astype("float32")
model = WGAN(critic, generator, latent_dim=2)
model.compile(
    critic_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
    generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
)
history = model.fit(real, batch_size=16, epochs=2, verbose=0)
print({name: round(values[-1], 3) for name, values in sorted(history.history.items())})
moving = [w for w in generator.weights if "moving" in w.name]
print("moved", len(moving), bool(np.abs(moving[0].numpy()).max() > 0))

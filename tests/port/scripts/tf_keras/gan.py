"""Two networks that train in turn, each with a tape of its own."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

generator = tf.keras.Sequential(
    [tf.keras.Input((3,)), layers.Dense(6, activation="relu"), layers.Dense(4)]
)
discriminator = tf.keras.Sequential(
    [tf.keras.Input((4,)), layers.Dense(6, activation="relu"), layers.Dense(1)]
)
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
generator_optimizer = tf.keras.optimizers.Adam(1e-2)
discriminator_optimizer = tf.keras.optimizers.Adam(1e-2)


def train(real, noise):
    with tf.GradientTape() as tape:
        fake = generator(noise, training=True)
        real_output = discriminator(real, training=True)
        fake_output = discriminator(fake, training=True)
        d_loss = cross_entropy(tf.ones_like(real_output), real_output)
        d_loss += cross_entropy(tf.zeros_like(fake_output), fake_output)
    grads = tape.gradient(d_loss, discriminator.trainable_variables)
    discriminator_optimizer.apply_gradients(zip(grads, discriminator.trainable_variables))
    with tf.GradientTape() as tape:
        fake_output = discriminator(generator(noise, training=True), training=True)
        g_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
    generator_optimizer.apply_gradients(
        zip(tape.gradient(g_loss, generator.trainable_variables), generator.trainable_variables)
    )
    return d_loss, g_loss


rng = np.random.RandomState(9)
for step in range(4):
    d_loss, g_loss = train(rng.randn(8, 4).astype("float32"), rng.randn(8, 3).astype("float32"))
    print("step %d: %.5f %.5f" % (step, d_loss, g_loss))

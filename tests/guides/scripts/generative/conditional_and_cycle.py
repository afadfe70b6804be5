"""A conditional GAN on labelled points, and two generators that undo each other."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(40)
LATENT, CLASSES = 3, 2


def mlp(inputs, outputs, activation=None, name=None):
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            layers.Dense(16),
            layers.LeakyReLU(negative_slope=0.2),
            layers.GroupNormalization(groups=4),
            layers.Dense(outputs, activation=activation),
        ],
        name=name,
    )


class ConditionalGAN(keras.Model):
    def __init__(self, discriminator, generator, latent_dim):
        super().__init__()
        self.discriminator, self.generator = discriminator, generator
        self.latent_dim = latent_dim
        self.seed_generator = keras.random.SeedGenerator(1337)
        self.gen_loss_tracker = keras.metrics.Mean(name="generator_loss")
        self.disc_loss_tracker = keras.metrics.Mean(name="discriminator_loss")

    @property
    def metrics(self):
        return [self.gen_loss_tracker, self.disc_loss_tracker]

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, data):
        real, one_hot_labels = data
        batch_size = ops.shape(real)[0]
        real = ops.concatenate([real, one_hot_labels], -1)

        def draw():
            noise = keras.random.normal((batch_size, self.latent_dim), seed=self.seed_generator)
            return ops.concatenate([noise, one_hot_labels], axis=1)

        fake = ops.concatenate([self.generator(draw()), one_hot_labels], -1)
        combined = ops.concatenate([fake, real], axis=0)
        labels = ops.concatenate([ops.ones((batch_size, 1)), ops.zeros((batch_size, 1))], axis=0)
        d_loss, gradients = keras.value_and_grad(
            lambda: self.loss_fn(labels, self.discriminator(combined)),
            self.discriminator.trainable_weights,
        )
        self.d_optimizer.apply_gradients(
            zip(gradients, self.discriminator.trainable_weights, strict=True)
        )
        vectors, misleading = draw(), ops.zeros((batch_size, 1))

        def forger_loss():
            found = ops.concatenate([self.generator(vectors), one_hot_labels], -1)
            return self.loss_fn(misleading, self.discriminator(found))

        g_loss, gradients = keras.value_and_grad(forger_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(
            zip(gradients, self.generator.trainable_weights, strict=True)
        )
        self.gen_loss_tracker.update_state(g_loss)
        self.disc_loss_tracker.update_state(d_loss)
        return {"g_loss": self.gen_loss_tracker.result(), "d_loss": self.disc_loss_tracker.result()}


rng = np.random.default_rng(0)
kinds = rng.integers(0, CLASSES, size=64)
points = (rng.normal(size=(64, 2)) * 0.1 + kinds[:, None]).astype("float32")
labels = keras.utils.to_categorical(kinds, CLASSES)
gan = ConditionalGAN(mlp(2 + CLASSES, 1), mlp(LATENT + CLASSES, 2), LATENT)
gan.compile(
    d_optimizer=keras.optimizers.Adam(learning_rate=0.003),
    g_optimizer=keras.optimizers.Adam(learning_rate=0.003),
    loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
)
history = gan.fit(points, labels, batch_size=16, epochs=2, verbose=0)
print("conditional", {name: round(v[-1], 3) for name, v in sorted(history.history.items())})


class CycleGan(keras.Model):
    def __init__(self, lambda_cycle=10.0, lambda_identity=0.5):
        super().__init__()
        self.gen_g, self.gen_f = mlp(2, 2, name="G"), mlp(2, 2, name="F")
        self.disc_x, self.disc_y = mlp(2, 1, name="X"), mlp(2, 1, name="Y")
        self.lambda_cycle, self.lambda_identity = lambda_cycle, lambda_identity

    def call(self, inputs):
        return self.disc_x(inputs), self.disc_y(inputs), self.gen_g(inputs), self.gen_f(inputs)

    def compile(self, gen_optimizer, disc_optimizer):
        super().compile()
        self.gen_optimizer, self.disc_optimizer = gen_optimizer, disc_optimizer
        self.cycle_loss_fn = keras.losses.MeanAbsoluteError()
        self.adv_loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, batch_data):
        real_x, real_y = batch_data

        def generators():
            fake_y, fake_x = self.gen_g(real_x, training=True), self.gen_f(real_y, training=True)
            cycled = self.cycle_loss_fn(real_x, self.gen_f(fake_y, training=True))
            cycled += self.cycle_loss_fn(real_y, self.gen_g(fake_x, training=True))
            same = self.cycle_loss_fn(real_y, self.gen_g(real_y)) * self.lambda_identity
            judged = self.disc_y(fake_y), self.disc_x(fake_x)
            adversarial = sum(self.adv_loss_fn(ops.ones_like(one), one) for one in judged)
            return adversarial + self.lambda_cycle * (cycled + same)

        def judges():
            total = 0.0
            for judge, real, fake in (
                (self.disc_x, real_x, self.gen_f(real_y)),
                (self.disc_y, real_y, self.gen_g(real_x)),
            ):
                real, fake = judge(real, training=True), judge(ops.stop_gradient(fake))
                total += self.adv_loss_fn(ops.ones_like(real), real)
                total += self.adv_loss_fn(ops.zeros_like(fake), fake)
            return total * 0.5

        weights = self.gen_g.trainable_variables + self.gen_f.trainable_variables
        gen_loss, gradients = keras.value_and_grad(generators, weights)
        self.gen_optimizer.apply(gradients, weights)
        weights = self.disc_x.trainable_variables + self.disc_y.trainable_variables
        disc_loss, gradients = keras.value_and_grad(judges, weights)
        self.disc_optimizer.apply(gradients, weights)
        return {"gen_loss": gen_loss, "disc_loss": disc_loss}


model = CycleGan()
model.compile(keras.optimizers.Adam(0.005, beta_1=0.5), keras.optimizers.Adam(0.002, beta_1=0.5))
x, y = points[kinds == 0][:24], points[kinds == 1][:24]
history = model.fit(x, y, batch_size=8, epochs=3, verbose=0)
assert history.history["gen_loss"][-1] < history.history["gen_loss"][0]
model.save_weights("cycle.weights.h5")
other = CycleGan()
other.load_weights("cycle.weights.h5")
print(
    "cycle",
    len(model.weights),
    np.allclose(other.gen_g(x), model.gen_g.predict(x, verbose=0), atol=1e-5),
)

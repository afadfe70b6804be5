"""Two networks that train each other: a step of one's own, compiled, the same on every backend."""

from common import arguments, load_images

import unidl
from unidl import layers, ops

args = arguments(epochs=20)
unidl.utils.set_random_seed(0)
(images, _), _ = load_images(args)
images = images.reshape(-1, 784)
NOISE = 16


class GAN(unidl.Model):
    """Goodfellow et al. 2014: a forger makes images of noise, a judge tells them from real ones."""

    def __init__(self):
        super().__init__()
        self.forger = unidl.Sequential(
            [
                unidl.Input((NOISE,)),
                layers.Dense(64, activation="relu"),
                layers.Dense(784, activation="sigmoid"),
            ]
        )
        self.judge = unidl.Sequential(
            [unidl.Input((784,)), layers.Dense(64, activation="leaky_relu"), layers.Dense(1)]
        )
        self.seeds = unidl.random.SeedGenerator(1)
        self.forger_loss = unidl.metrics.Mean(name="forger_loss")
        self.judge_loss = unidl.metrics.Mean(name="judge_loss")
        self.built = True  # its networks are, and it has no call()

    def compile(self, forger_optimizer, judge_optimizer):
        super().compile()
        self.forger_optimizer, self.judge_optimizer = forger_optimizer, judge_optimizer
        self.loss_of = unidl.losses.BinaryCrossentropy(from_logits=True)

    def train_step(self, real):
        count = ops.shape(real)[0]
        noise = unidl.random.normal((count, NOISE), seed=self.seeds)
        are_real, are_forged = ops.ones((count, 1)), ops.zeros((count, 1))

        def mistakes_of_judge():
            judged = self.judge(ops.concatenate([real, self.forger(noise)]))
            return self.loss_of(ops.concatenate([are_real, are_forged]), judged)

        def mistakes_of_forger():
            return self.loss_of(are_real, self.judge(self.forger(noise)))

        for mistakes, network, optimizer, metric in (
            (mistakes_of_judge, self.judge, self.judge_optimizer, self.judge_loss),
            (mistakes_of_forger, self.forger, self.forger_optimizer, self.forger_loss),
        ):
            loss, gradients = unidl.value_and_grad(mistakes, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)
            metric.update_state(loss)
        return {metric.name: metric.result() for metric in self.metrics}

    @property
    def metrics(self):
        return [self.forger_loss, self.judge_loss]


model = GAN()
model.compile(unidl.optimizers.Adam(0.002), unidl.optimizers.Adam(0.001))
history = model.fit(images, batch_size=32, epochs=args.epochs, verbose=2).history
print(f"losses at the end: {history['forger_loss'][-1]:.4f}, {history['judge_loss'][-1]:.4f}")

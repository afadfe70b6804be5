"""Learning rate schedules: those of Keras, one of one's own, and what the optimizer reports."""

import numpy as np

import unidl as keras
from unidl import layers, ops

schedules = keras.optimizers.schedules


@keras.saving.register_keras_serializable(package="guides")
class WarmUp(schedules.LearningRateSchedule):
    def __init__(self, peak, steps):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = self.peak * (step + 1) / self.steps
        fall = self.peak * ops.sqrt(self.steps / ops.maximum(step + 1, 1.0))
        return ops.where(step < self.steps, rise, fall)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
for schedule in (
    schedules.ExponentialDecay(0.1, decay_steps=4, decay_rate=0.5, staircase=True),
    schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01]),
    schedules.PolynomialDecay(0.1, decay_steps=8, end_learning_rate=0.01, power=2.0),
    schedules.InverseTimeDecay(0.1, decay_steps=2, decay_rate=0.5),
    schedules.CosineDecay(0.0, decay_steps=6, warmup_target=0.1, warmup_steps=3),
    schedules.CosineDecayRestarts(0.1, first_decay_steps=3),
    WarmUp(0.1, 4),
):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9), "mse")
    history = model.fit(x, x[:, :1], batch_size=8, epochs=2, shuffle=False, verbose=0)
    rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    loss = history.history["loss"][-1]
    print(f"{type(schedule).__name__} rate {rate:.5f} loss {loss:.4f}")

optimizer = keras.optimizers.AdamW(WarmUp(0.1, 4), weight_decay=0.01, clipnorm=1.0)
again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
print("again", type(again._learning_rate).__name__, again.weight_decay, again.clipnorm)
print("all fall", [round(float(WarmUp(1.0, 4)(step)), 3) for step in range(8)])

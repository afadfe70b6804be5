"""Several tasks and several experts: soft gates, a loss that balances itself, losses by name."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(83)


class Experts(layers.Layer):
    def __init__(self, units, num_experts, num_tasks, **kwargs):
        super().__init__(**kwargs)
        self.units, self.num_experts, self.num_tasks = units, num_experts, num_tasks

    def build(self, input_shape):
        width = input_shape[-1]
        self.expert_kernels = self.add_weight(
            shape=(width, self.units, self.num_experts),
            initializer=keras.initializers.VarianceScaling(),
            regularizer=keras.regularizers.L2(1e-4),
            name="expert_kernel",
        )
        self.gate_kernels = [
            self.add_weight(shape=(width, self.num_experts), name=f"gate_{i}")
            for i in range(self.num_tasks)
        ]

    def call(self, inputs):
        found = ops.relu(ops.einsum("bd,duk->buk", inputs, self.expert_kernels))
        gates = [ops.softmax(ops.matmul(inputs, kernel)) for kernel in self.gate_kernels]
        return [ops.sum(found * gate[:, None, :], axis=2) for gate in gates]

    def compute_output_shape(self, input_shape):
        return [(input_shape[0], self.units)] * self.num_tasks


class UncertaintyLoss(layers.Layer):
    """Kendall et al. 2018: the weight of each task is learned with it."""

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.log_variances = self.add_weight(shape=(count,), initializer="zeros", name="log_var")

    def call(self, targets, predictions):
        total = 0.0
        for i, (y, found) in enumerate(zip(targets, predictions, strict=True)):
            error = ops.mean(ops.square(y - found))
            total += ops.exp(-self.log_variances[i]) * error + self.log_variances[i]
        self.add_loss(total)
        return predictions


rng = np.random.default_rng(0)
x = rng.normal(size=(96, 8)).astype("float32")
income, married = (x[:, :1] * 2 + 1).astype("float32"), (x[:, 1:2] > 0).astype("float32")

inputs = keras.Input((8,))
tasks = Experts(units=6, num_experts=3, num_tasks=2)(inputs)
outputs = [
    layers.Dense(1, name="income")(layers.Dense(4, activation="relu")(tasks[0])),
    layers.Dense(1, activation="sigmoid", name="married")(tasks[1]),
]
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss={"income": "huber", "married": "binary_crossentropy"},
    loss_weights={"income": 0.5, "married": 1.0},
    metrics={"married": ["accuracy", keras.metrics.AUC(name="auc")], "income": "mae"},
)
history = model.fit(x, {"income": income, "married": married}, epochs=3, batch_size=32, verbose=0)
print("logs", sorted(history.history))
assert history.history["loss"][-1] < history.history["loss"][0]
print("parameters", model.count_params(), [output.shape for output in model.outputs])

y1, y2 = keras.Input((1,)), keras.Input((1,))
balanced = UncertaintyLoss(2)([y1, y2], model(inputs))
trainer = keras.Model([inputs, y1, y2], balanced)
trainer.compile(keras.optimizers.Adam(0.01))
history = trainer.fit([x, income, married], epochs=2, batch_size=32, verbose=0)
print("balanced", sorted(history.history), trainer.count_params())


class Switch(layers.Layer):
    """One expert for each row, chosen by a router, with a loss that spreads the rows."""

    def __init__(self, num_experts, width):
        super().__init__()
        self.router = layers.Dense(num_experts)
        self.experts = [
            keras.Sequential([layers.Dense(width, activation="relu"), layers.Dense(width)])
            for _ in range(num_experts)
        ]
        self.num_experts = num_experts

    def call(self, x):
        chances = ops.softmax(self.router(x), axis=-1)
        chosen = ops.one_hot(ops.argmax(chances, axis=-1), self.num_experts)
        load = ops.mean(chosen, axis=0) * ops.mean(chances, axis=0)
        self.add_loss(0.01 * ops.sum(load) * self.num_experts)
        found = ops.stack([expert(x) for expert in self.experts], axis=-1)
        return ops.sum(found * ops.expand_dims(chosen * chances, 1), axis=-1)


model = keras.Sequential([keras.Input((8,)), Switch(4, 8), layers.Dense(1)])
model.compile("adam", "mse")
history = model.fit(x, income, epochs=2, batch_size=32, verbose=0)
model(x)
print("switch", model.count_params(), len(model.losses), model.output_shape)

"""Initializers, constraints, regularizers and activations of one's own, by class and function."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(8)


class Diagonal(keras.initializers.Initializer):
    def __init__(self, value=1.0):
        self.value = value

    def __call__(self, shape, dtype=None, **kwargs):
        return self.value * ops.eye(shape[0], shape[1], dtype=dtype)

    def get_config(self):
        return {"value": self.value}


class Between(keras.constraints.Constraint):
    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, w):
        return ops.clip(w, self.low, self.high)

    def get_config(self):
        return {"low": self.low, "high": self.high}


class Sparse(keras.regularizers.Regularizer):
    def __init__(self, strength):
        self.strength = strength

    def __call__(self, x):
        return self.strength * ops.sum(ops.sqrt(ops.abs(x) + 1e-6))

    def get_config(self):
        return {"strength": self.strength}


def swish_of_two(x):
    return x * ops.sigmoid(2 * x)


model = keras.Sequential(
    [
        keras.Input((4,)),
        layers.Dense(
            4,
            activation=swish_of_two,
            kernel_initializer=Diagonal(0.5),
            kernel_constraint=Between(-0.6, 0.6),
            kernel_regularizer=Sparse(1e-3),
            bias_initializer=lambda shape, dtype=None: ops.full(shape, 0.1, dtype=dtype),
            bias_regularizer="l1",
            activity_regularizer=keras.regularizers.L1L2(1e-4, 1e-4),
        ),
        layers.Activation("gelu"),
        layers.Dense(1, kernel_initializer="he_normal", kernel_constraint="non_neg"),
    ]
)
print("kernel", np.round(model.layers[0].get_weights()[0][0], 3).tolist())
print("bias", np.round(model.layers[0].get_weights()[1], 3).tolist())
model.compile(keras.optimizers.SGD(0.5), "mse")
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
history = model.fit(x, x.sum(axis=1), epochs=2, verbose=0)
print(f"loss {history.history['loss'][-1]:.4f}")
print("within", bool(np.abs(model.layers[0].get_weights()[0]).max() <= 0.6 + 1e-6))
print("not negative", bool((model.layers[2].get_weights()[0] >= 0).all()))
model(x[:2])
print("losses", len(model.losses))

scope = {"Diagonal": Diagonal, "Between": Between, "Sparse": Sparse, "swish_of_two": swish_of_two}
with keras.utils.custom_object_scope(scope):
    again = layers.Dense.from_config(
        layers.Dense(
            4,
            activation=swish_of_two,
            kernel_initializer=Diagonal(0.5),
            kernel_constraint=Between(-1, 1),
            kernel_regularizer=Sparse(0.1),
        ).get_config()
    )
print("again", again.kernel_initializer.value, again.kernel_constraint.high)
values = [-1.0, 0.0, 2.0]
for name in ("relu", "elu", "selu", "softplus", "mish", "hard_sigmoid", "tanh", "silu"):
    result = ops.convert_to_numpy(keras.activations.get(name)(ops.array(values)))
    print(name, np.round(result, 3).tolist())

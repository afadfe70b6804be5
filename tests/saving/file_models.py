"""Models for files, written once for Keras and unidl as those of `tests.zoo`, which are among them;
and what is compared of a model that came out of a file."""

from __future__ import annotations

import numpy as np

from tests.zoo import MODELS as ZOO
from tests.zoo import inputs_for, randomize, targets_for

STEPS = 2


def scaled(k):
    """A layer of a user's own, registered, with an argument and a weight."""

    @k.saving.register_keras_serializable("files")
    class Scaled(k.layers.Layer):
        def __init__(self, power=1, **kwargs):
            super().__init__(**kwargs)
            self.power = power

        def build(self, input_shape):
            self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")

        def call(self, inputs):
            return inputs * self.factor**self.power

        def get_config(self):
            return super().get_config() | {"power": self.power}

    return Scaled


def custom_layer(k):
    return k.Sequential([k.Input((4,)), scaled(k)(power=2), k.layers.Dense(2)])


def subclassed(k):
    """Attributes before and after "layers" in the alphabet, nested lists, dicts, a private one."""

    @k.saving.register_keras_serializable("files")
    class Branching(k.Model):
        def __init__(self, width=3, **kwargs):
            super().__init__(**kwargs)
            self.width = width
            self.out = k.layers.Dense(2)
            self.dense = k.layers.Dense(width)
            self.blocks = [k.layers.Dense(2), [k.layers.Dense(width), k.layers.Dense(width)]]
            self.parts = {"b": k.layers.LayerNormalization(), "a": [k.layers.Dense(3)]}
            self._last = k.layers.Dense(2)
            self.again = self.dense

        def call(self, inputs):
            h = self.blocks[0](self.dense(inputs))
            h = self.blocks[1][1](self.blocks[1][0](h))
            return self._last(self.out(self.parts["a"][0](self.parts["b"](h))))

        def get_config(self):
            return super().get_config() | {"width": self.width}

    model = Branching(width=4)
    model(np.zeros((2, 3)))
    return model


def recurrent(k):
    layers = k.layers
    inputs = k.Input((5, 3))
    h = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum")(inputs)
    h = layers.RNN(layers.StackedRNNCells([layers.LSTMCell(3), layers.SimpleRNNCell(4)]))(h)
    return k.Model(inputs, layers.Dense(2)(h))


def preprocessing(k):
    """Normalization has been adapted, which is in its weights."""
    layers = k.layers
    normal = layers.Normalization()
    normal.adapt(np.arange(72.0).reshape(2, 4, 3, 3))
    return k.Sequential(
        [
            k.Input((4, 3, 3)),
            normal,
            layers.Rescaling(0.5, offset=1.0),
            layers.Resizing(2, 3, interpolation="nearest"),
            layers.SeparableConv2D(2, 2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def wrapped(k):
    layers = k.layers
    inputs = k.Input((4, 6))
    h = layers.TimeDistributed(k.Sequential([layers.Dense(4), layers.PReLU()]))(inputs)
    h = layers.GroupQueryAttention(4, 4, 2, use_bias=False)(h, h)
    h = layers.SpectralNormalization(layers.Dense(3))(h)
    h = layers.Attention(use_scale=True)([h, h])
    return k.Model(inputs, layers.EinsumDense("abc,cd->ad", 2, bias_axes="d")(h))


MODELS = ZOO | {
    f.__name__: f for f in (custom_layer, subclassed, recurrent, preprocessing, wrapped)
}

LEGACY = ("cnn", "nested", "shared", "two_ends", "words")  # which Keras 3 also saves as ".h5"

# (class of the optimizer, its arguments): sums of few powers of two, since Keras has them in
# float32.
RATE = {"learning_rate": 2**-6}
ADAM = RATE | {"beta_1": 0.875, "beta_2": 0.984375, "epsilon": 2**-20}
OPTIMIZERS = {
    "words": ("SGD", RATE | {"momentum": 0.5}),
    "tagger": ("SGD", RATE),
    "cnn": ("RMSprop", RATE | {"rho": 0.875, "epsilon": 2**-20}),
    "shared": ("Adam", ADAM | {"use_ema": True, "ema_momentum": 0.75, "clipnorm": 1.0}),
    "attention": ("AdamW", ADAM | {"weight_decay": 2**-8}),
    "residual": ("Adam", ADAM | {"learning_rate": "schedule", "gradient_accumulation_steps": 2}),
}


def compiled(k, name, model):
    cls, arguments = OPTIMIZERS.get(name, ("Adam", ADAM))
    if arguments["learning_rate"] == "schedule":
        rate = k.optimizers.schedules.ExponentialDecay(2**-6, 1, 0.5)
        arguments = arguments | {"learning_rate": rate}
    model.compile(getattr(k.optimizers, cls)(**arguments), "mse")
    return model


def data_for(name, model):
    if name == "subclassed":
        rng = np.random.default_rng(0)
        return rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    return inputs_for(model), targets_for(model)


def trained(k, name):
    """A model in mid-training."""
    model = MODELS[name](k)
    if name != "preprocessing":  # Keras' Normalization does not see its weights change
        randomize(model)
    compiled(k, name, model)
    x, y = data_for(name, model)
    for _ in range(STEPS):
        model.train_on_batch(x, y)
    return model


def facts(model, x, y):
    """{name: array}: outputs, then the losses and weights of further steps."""
    out = model.predict(x, verbose=0)
    out = list(out.values()) if isinstance(out, dict) else out
    found = {
        f"out{i}": np.asarray(o) for i, o in enumerate(out if isinstance(out, list) else [out])
    }
    losses = [_first(model.train_on_batch(x, y)) for _ in range(STEPS)]
    found["losses"] = np.array(losses)
    return found | {f"w{i}": np.asarray(w) for i, w in enumerate(model.get_weights())}


def _first(loss):
    return float(loss[0] if isinstance(loss, list) else loss)

"""repr: the class, what is essential, and what differs from the defaults."""

import inspect

import numpy as np
import pytest

import unidl
from unidl import (
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    random,
    regularizers,
)
from unidl.optimizers import schedules


def built(layer):
    layer.build((None, 4))
    return layer


def frozen(layer):
    layer.trainable = False
    return layer


def with_rate(optimizer, rate):
    optimizer.learning_rate = rate
    return optimizer


class Mine(callbacks.Callback):
    def __init__(self, every, where="here"):
        super().__init__()
        self.every, self.where = every, where


class Unmade(layers.Layer):
    def __init__(self):
        self.text = repr(self)
        super().__init__()


CASES = [
    (lambda: optimizers.Adam(), "<Adam learning_rate=0.001>"),
    (lambda: optimizers.Adam(0.01, clipnorm=1.0), "<Adam learning_rate=0.01, clipnorm=1.0>"),
    (lambda: with_rate(optimizers.SGD(), 0.25), "<SGD learning_rate=0.25>"),
    (
        lambda: optimizers.SGD(schedules.CosineDecay(0.1, 1000), momentum=0.9),
        "<SGD learning_rate=<CosineDecay initial_learning_rate=0.1, decay_steps=1000>, "
        "momentum=0.9>",
    ),
    (
        lambda: optimizers.LossScaleOptimizer(optimizers.Adam()),
        "<LossScaleOptimizer inner_optimizer=<Adam learning_rate=0.001>>",
    ),
    (
        lambda: schedules.PiecewiseConstantDecay(list(range(9)), np.arange(10.0).tolist()),
        "<PiecewiseConstantDecay boundaries=[0, 1, 2, 3, ...], values=[0.0, 1.0, 2.0, 3.0, ...]>",
    ),
    (lambda: callbacks.EarlyStopping(), "<EarlyStopping monitor=val_loss>"),
    (
        lambda: callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True),
        "<EarlyStopping monitor=loss, patience=3, restore_best_weights=True>",
    ),
    (lambda: callbacks.CSVLogger("a.csv"), "<CSVLogger filename=a.csv>"),
    (lambda: callbacks.TerminateOnNaN(), "<TerminateOnNaN>"),
    (lambda: callbacks.History(), "<History epochs=0>"),
    (lambda: Mine(3), "<Mine every=3>"),
    (lambda: Mine(3, where="there"), "<Mine every=3, where=there>"),
    (lambda: initializers.GlorotUniform(), "<GlorotUniform>"),
    (lambda: initializers.RandomNormal(stddev=0.1, seed=3), "<RandomNormal stddev=0.1, seed=3>"),
    (lambda: initializers.Constant(np.ones((2, 3))), "<Constant value=<array of shape (2, 3)>>"),
    (lambda: regularizers.L2(), "<L2 l2=0.01>"),
    (lambda: regularizers.L1L2(l1=0.1), "<L1L2 l1=0.1, l2=0.0>"),
    (lambda: constraints.MaxNorm(3), "<MaxNorm max_value=3>"),
    (lambda: random.SeedGenerator(3), "<SeedGenerator seed=3, counter=0>"),
    (lambda: losses.MeanSquaredError(), "<MeanSquaredError>"),
    (lambda: losses.Huber(delta=2.0), "<Huber delta=2.0>"),
    (
        lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        "<SparseCategoricalCrossentropy from_logits=True>",
    ),
    (lambda: metrics.Mean(name="loss"), "<Mean name=loss>"),
    (
        lambda: metrics.TopKCategoricalAccuracy(k=3),
        "<TopKCategoricalAccuracy name=top_k_categorical_accuracy, k=3>",
    ),
    (lambda: layers.Dense(3), "<Dense name=dense, units=3, built=False>"),
    (
        lambda: frozen(built(layers.Dense(3, activation="relu", kernel_regularizer="l2"))),
        "<Dense name=dense, trainable=False, units=3, activation=relu, "
        "kernel_regularizer=<L2 l2=0.01>, built=True>",
    ),
    (
        lambda: layers.Conv2D(3, 2, kernel_initializer=initializers.HeNormal(seed=1)),
        "<Conv2D name=conv2d, filters=3, kernel_size=(2, 2), "
        "kernel_initializer=<HeNormal seed=1>, built=False>",
    ),
    (
        lambda: layers.Embedding(3, 4),
        "<Embedding name=embedding, input_dim=3, output_dim=4, built=False>",
    ),
    (lambda: layers.InputSpec(min_ndim=2, axes={-1: 4}), "<InputSpec min_ndim=2, axes={-1: 4}>"),
    (lambda: layers.LSTM(4), "<LSTM name=lstm, units=4, built=False>"),
    (lambda: Unmade().text, "'<Unmade, not made yet>'"),
    (
        lambda: unidl.Sequential([unidl.Input((4,)), layers.Dense(3)]),
        "<Sequential name=sequential, layers=1, built=True>",
    ),
]


@pytest.mark.parametrize(("make", "expected"), CASES, ids=[text for _, text in CASES])
def test_description(make, expected):
    assert repr(make()) == expected


def test_a_history_tells_its_last_numbers(backend):
    net = unidl.Sequential([unidl.Input((4,)), layers.Dense(3)])
    net.compile("adam", "mse")
    history = net.fit(np.ones((4, 4)), np.zeros((4, 3)), epochs=2, verbose=0)
    loss = history.history["loss"][-1]
    assert repr(history) == f"<History epochs=2, loss={float(f'{loss:.6g}')}>"


def made_without_arguments():
    found = []
    for module in (
        callbacks, constraints, initializers, layers, losses, metrics, optimizers, regularizers,
    ):  # fmt: skip
        for name in module.__all__:
            cls = getattr(module, name)
            if isinstance(cls, type):
                parameters = [*inspect.signature(cls.__init__).parameters.values()][1:]
                if all(p.default is not p.empty or "VAR" in p.kind.name for p in parameters):
                    found.append(cls)
    # What wants a shape or another package, and what is no class of objects.
    others = {"InputLayer", "Logger", "MLflowLogger", "WandbLogger"}
    return [cls for cls in found if cls.__name__ not in others]


@pytest.mark.parametrize("cls", made_without_arguments(), ids=lambda cls: cls.__name__)
def test_all_that_can_be_made_without_arguments_is_short(cls):
    text = repr(cls())
    assert text.startswith(f"<{cls.__name__}")
    assert " object at " not in text
    assert len(text) < 120

"""Copies of models, layers, optimizers, Variables: at any time, independent, and ready to train
on."""

import copy
import pickle

import numpy as np
import pytest

import unidl
from unidl import layers

WAYS = {"deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}
way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)

rng = np.random.default_rng(0)
X = rng.normal(size=(32, 6)).astype("float32")
Y = np.arange(32) % 3


def sequential():
    return unidl.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(
                8, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm"
            ),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )


def functional():
    x = layers.Input((6,))
    h = layers.Dense(8, activation="relu")(x)
    h = unidl.ops.concatenate([h, unidl.ops.square(x)], axis=-1)
    return unidl.Model(x, layers.Dense(3, activation="softmax")(h * 2.0))


class Subclass(unidl.Model):
    def __init__(self):
        super().__init__()
        self.hidden = [layers.Dense(4, activation="tanh"), layers.LayerNormalization()]
        self.head = layers.Dense(3, activation="softmax")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


def deep():
    return unidl.Sequential(
        [
            layers.Input((6,)),
            *(layers.Dense(6) for _ in range(400)),
            layers.Dense(3, activation="softmax"),
        ]
    )


MODELS = {"sequential": sequential, "functional": functional, "subclass": Subclass}


def compiled(make):
    model = make()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model):
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    return model.get_weights()


@way
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_copy_in_mid_training_trains_on_by_itself(backend, make, way):
    model = compiled(make)
    fit(model)
    model.predict(X, verbose=0)
    first, second = way(model), way(model)
    kept = model.get_weights()
    trained = fit(first)
    for a, b in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(kept, trained, strict=True))
    for a, b in zip(trained, fit(second), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(trained, fit(model), strict=True):
        np.testing.assert_array_equal(a, b)


@way
def test_a_copy_computes_with_its_own_weights(backend, way):
    model = unidl.Sequential([layers.Input((3,)), layers.Dense(2)])
    x = np.ones((4, 3), "float32")
    before = model.predict(x, verbose=0)
    other = way(model)
    other.set_weights([np.zeros((3, 2)), np.ones(2)])
    np.testing.assert_array_equal(other.predict(x, verbose=0), np.ones((4, 2)))
    np.testing.assert_array_equal(unidl.ops.convert_to_numpy(other(x)), np.ones((4, 2)))
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)


@way
def test_copies_of_what_a_model_is_made_of(backend, way):
    model = compiled(sequential)
    fit(model)
    layer = way(model.layers[0])
    np.testing.assert_array_equal(layer.kernel.numpy(), model.layers[0].kernel.numpy())
    layer(X)
    variable = way(model.layers[0].kernel)
    assert variable.backend is model.backend
    variable.assign(variable.numpy() + 1)
    assert (variable.numpy() != model.layers[0].kernel.numpy()).all()
    optimizer = way(model.optimizer)
    assert int(optimizer.iterations) == 4
    assert way(model.history).history == model.history.history
    assert way(model.backend) is model.backend


@pytest.mark.quick_on("numpy", "torch", "mxnet")
@way
def test_a_deep_model_is_copied(backend, way):
    model = deep()
    want = model.predict(X[:2], verbose=0)
    np.testing.assert_array_equal(way(model).predict(X[:2], verbose=0), want)


@way
def test_a_functional_copy_keeps_its_graph(backend, way):
    model = way(functional())
    tail = unidl.Model(model.inputs, model.layers[1].output)
    assert tail.predict(X, verbose=0).shape == (32, 8)
    assert unidl.models.clone_model(model).count_params() == model.count_params()

"""A live model moves between backends in mid-training and ends where the run that never moved
ends."""

import functools
import itertools

import numpy as np
import pytest

import unidl
from unidl import layers

pytestmark = pytest.mark.usefixtures("float64")

STEPS, BATCH = 10, 4
NAMES = [row.name for row in unidl.list_backends() if row.installed]
X = np.random.default_rng(0).normal(size=(STEPS * BATCH, 6))
Y = np.random.default_rng(1).integers(0, 3, STEPS * BATCH)


def start(backend):
    """A fresh model with dropout, batch normalization and Adam."""
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(5)
    with unidl.use_backend(backend):
        model = unidl.Sequential(
            [
                unidl.Input((6,)),
                # No bias: before a normalization its gradient is rounding alone, which Adam would
                # blow up.
                layers.Dense(8, use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Dropout(0.3),
                layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile(
            unidl.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
    return model


def train(model):
    """STEPS steps: one epoch with a shuffle of its own. Returns the loss."""
    return model.fit(X, Y, batch_size=BATCH, verbose=0).history["loss"][0]


@functools.cache
def never_moved():
    model = start("numpy")
    losses = [train(model) for _ in range(3)]
    return losses, model.get_weights(), [np.asarray(v) for v in model.optimizer.variables]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(NAMES, 2)))
def test_there_and_back(first, second):
    losses, weights, slots = never_moved()
    model = start(first)
    found = [train(model)]
    assert model.to(second) is model
    assert model.backend.name == second
    found.append(train(model))
    assert int(model.optimizer.iterations) == 2 * STEPS
    model.to(first)
    found.append(train(model))
    np.testing.assert_allclose(found, losses, rtol=1e-12)
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        assert np.max(np.abs(ours - theirs)) <= 1e-12 * np.max(np.abs(theirs))
    for ours, theirs in zip(model.optimizer.variables, slots, strict=True):
        assert np.max(np.abs(np.asarray(ours) - theirs)) <= 1e-11 * np.max(np.abs(theirs))


@pytest.mark.parametrize("target", NAMES)
def test_everything_moves_along(target):
    model = start("numpy")
    train(model)
    expected = model.predict(X, verbose=0)
    before = model.get_weights()
    model.to(target)
    assert {v.backend.name for v in model._state()} == {target}
    assert {layer.backend.name for layer in model._flatten_layers()} == {target}
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-12)
    assert isinstance(model(X), model.backend.tensor_types)

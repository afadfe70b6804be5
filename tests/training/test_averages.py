"""Moving averages are what fit leaves, as in Keras."""

import numpy as np
import pytest

import unidl
from tests.reference import keras_uncompiled
from unidl import layers, optimizers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("overwrite", [None, 2])
def test_weights_after_fit_are_those_of_keras(backend, overwrite):
    keras = pytest.importorskip("keras")

    def fitted(module):
        model = module.Sequential(
            [module.Input((3,)), module.layers.Dense(2), module.layers.Dense(1)]
        )
        model.set_weights([np.full(w.shape, 0.1, "float32") for w in model.get_weights()])
        optimizer = module.optimizers.Adam(
            0.05, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=overwrite
        )
        model.compile(optimizer, "mse")
        model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        return model.get_weights()

    with keras_uncompiled():
        expected = fitted(keras)
    for ours, theirs in zip(fitted(unidl), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_nothing_happens_without_a_step(backend):
    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(use_ema=True), "mse")
    before = model.get_weights()
    model.fit(X, Y, epochs=0, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

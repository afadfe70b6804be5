"""What lies below a frozen layer is trained alike on all backends, in float64 to the last
digits."""

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.backend import use_backend


def _trained(make, name):
    """Weights of an Embedding and a Dense below frozen `make()` after three epochs of `fit`."""
    with use_backend(name):
        unidl.utils.set_random_seed(3)
        frozen = make()
        model = unidl.Sequential(
            [
                unidl.Input((5,), dtype="int32"),
                layers.Embedding(7, 4, dtype="float64"),
                layers.Dense(3, dtype="float64"),
                frozen,
                layers.Dense(1, dtype="float64", trainable=False),
            ]
        )
        frozen.trainable = False
        model.compile(unidl.optimizers.SGD(0.5), "mse")
        x = np.arange(40).reshape(8, 5) % 7
        model.fit(x, np.ones((8, 1)), batch_size=4, epochs=3, shuffle=False, verbose=0)
        return [weight.numpy() for layer in model.layers[:2] for weight in layer.weights]


@pytest.mark.parametrize("kind", ["GRU", "SimpleRNN", "LSTM"])
def test_below_a_frozen_layer(kind, backend):
    def make():
        return getattr(layers, kind)(4, dtype="float64")

    for found, wanted in zip(_trained(make, backend.name), _trained(make, "numpy"), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13)

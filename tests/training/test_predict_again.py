"""predict of arrays like those before takes a short way; nothing but the time may show it."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.backend import use_backend


@pytest.fixture(params=["numpy", "torch"])
def model(request):
    if request.param == "torch":
        pytest.importorskip("torch")
    with use_backend(request.param):
        made = unidl.Sequential([unidl.Input((3,)), layers.Dense(2)])
        made.compile("sgd", "mse")
        yield made


X = np.arange(12, dtype="float32").reshape(4, 3)


def test_the_same_numbers(model):
    first = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)
    np.testing.assert_allclose(model.predict(X[:1], verbose=0), first[:1], rtol=1e-6)
    np.testing.assert_array_equal(model.predict(X[::-1], verbose=0), first[::-1])  # not contiguous
    np.testing.assert_array_equal(model.predict(X.astype("float64"), verbose=0), first)
    np.testing.assert_array_equal(model.predict(X.astype("float64"), verbose=0), first)
    assert model.predict(np.concatenate([X] * 20), verbose=0).shape == (80, 2)  # three batches


def test_new_weights_are_used(model):
    model.predict(X, verbose=0)
    model.set_weights([np.ones((3, 2)), np.zeros(2)])
    np.testing.assert_allclose(model.predict(X, verbose=0)[:, 0], X.sum(1))
    model.fit(X, np.zeros((4, 2)), epochs=1, verbose=0)
    assert abs(model.predict(X, verbose=0)).max() < X.sum(1).max()
    model.to("numpy")
    assert model.predict(X, verbose=0).shape == (4, 2)


def test_what_is_wrong_is_still_told(model):
    model.predict(X, verbose=0)
    with pytest.warns(RuntimeWarning, match="NaN"):
        model.predict(np.full_like(X, np.nan), verbose=0)
    for wrong in (X[:, :2], X[0], X[:0]):
        with pytest.raises(ValueError):
            model.predict(wrong, verbose=0)
    with pytest.raises(ValueError, match="batch_size"):
        model.predict(X, batch_size=0, verbose=0)


def test_the_result_belongs_to_the_caller(model):
    """A model that returns its input as it is."""
    with use_backend(model.backend):
        same = unidl.Sequential([unidl.Input((3,)), layers.Lambda(ops.relu)])
    for _ in range(2):
        found = same.predict(X, verbose=0)
        found += 1
        np.testing.assert_array_equal(X, np.arange(12).reshape(4, 3))
        np.testing.assert_array_equal(found, X + 1)

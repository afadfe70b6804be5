"""A loop of MXNet's own around models: `mx.autograd.record()` and `loss.backward()`."""

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl_mxnet.load import mx


@pytest.fixture
def model(backend):
    with unidl.use_backend(backend):
        yield unidl.Sequential(
            [unidl.Input((6, 2)), layers.Conv1D(3, 2), layers.Flatten(), layers.Dense(1)]
        )


def loss_of(model):
    x = mx.np.array(np.linspace(-1, 1, 48).reshape(4, 6, 2).astype("float32"))
    return unidl.ops.mean((model(x) - 2.0) ** 2)


def test_a_loss_without_attached_gradients_says_what_to_write(model):
    with mx.autograd.record():
        loss = loss_of(model)
    with pytest.raises(
        mx.base.MXNetError, match=r"unidl\.value_and_grad\(function.*\n.*attach_grad\(\)"
    ):
        loss.backward()


def test_with_attached_gradients_a_loop_trains_and_fit_goes_on(model):
    weights = [v.value for v in model.trainable_variables]
    _, expected = unidl.value_and_grad(lambda: loss_of(model), model.trainable_variables)
    for weight in weights:
        weight.attach_grad()
    losses = []
    for _ in range(5):
        with mx.autograd.record():
            loss = loss_of(model)
        loss.backward()
        if not losses:
            for weight, gradient in zip(weights, expected, strict=True):
                np.testing.assert_allclose(
                    weight.grad.asnumpy(), gradient.asnumpy(), rtol=1e-5, atol=1e-6
                )
        for weight in weights:
            weight[:] = weight - 0.01 * weight.grad
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    model.compile("sgd", "mse")
    data = np.ones((5, 6, 2)), np.full((5, 1), 2.0)
    before = model.evaluate(*data, verbose=0)
    model.fit(*data, verbose=0)
    assert model.evaluate(*data, verbose=0) < before

"""`compute_loss` of the user's own, in every method that runs it, and what cannot be overridden."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
Y = RNG.normal(size=(12, 2)).astype("float32")
L2 = 0.25


class Regressor(unidl.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2, kernel_regularizer=unidl.regularizers.L2(L2))

    def call(self, x):
        return self.dense(x)


class WithoutSuper(Regressor):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y - y_pred)) + (1.0 if training else 2.0)


class WithSuper(Regressor):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        given = super().compute_loss(x, y, y_pred, sample_weight, training)
        return 2 * given + ops.mean(ops.square(x))


class WithItsLosses(Regressor):
    """As Keras' guide writes it, without `training` as older code does."""

    def compute_loss(self, x, y, y_pred, sample_weight):
        return ops.mean(ops.abs(y - y_pred)) + ops.sum(ops.stack(self.losses))


def _expected(model, loss, training):
    kernel, bias = (w.numpy() for w in model.weights)
    error = X @ kernel + bias - Y
    penalty = L2 * np.sum(kernel**2)
    if isinstance(model, WithoutSuper):
        return np.mean(np.abs(error)) + (1 if training else 2)
    if isinstance(model, WithItsLosses):
        return np.mean(np.abs(error)) + penalty
    return 2 * ((np.mean(error**2) if loss else 0) + penalty) + np.mean(X**2)


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("loss", ["mse", None])
@pytest.mark.parametrize("kind", [WithoutSuper, WithSuper, WithItsLosses])
def test_an_overridden_compute_loss_is_trained_and_logged(backend, kind, loss, eagerly):
    model = kind()
    model.compile(unidl.optimizers.SGD(0.1), loss, run_eagerly=eagerly)
    model.build((None, 3))
    before = model.get_weights()
    expected = _expected(model, loss, training=True)
    tested = _expected(model, loss, training=False)
    assert model.evaluate(X, Y, batch_size=12, verbose=0) == pytest.approx(tested, rel=1e-5)
    assert model.test_on_batch(X, Y) == pytest.approx(tested, rel=1e-5)
    history = model.fit(X, Y, batch_size=12, verbose=0).history
    assert history["loss"] == [pytest.approx(expected, rel=1e-5)]
    assert not np.allclose(model.get_weights()[0], before[0])
    expected = _expected(model, loss, training=True)
    found = model.train_on_batch(X, Y, return_dict=True)
    assert found == {"loss": pytest.approx(expected, rel=1e-5)}


def test_the_gradient_is_that_of_the_overridden_loss(backend):
    model = WithoutSuper()
    model.compile(unidl.optimizers.SGD(1.0), "mse")  # the compiled loss is not called
    model.build((None, 3))
    kernel, bias = model.get_weights()
    slope = np.sign(X @ kernel + bias - Y) / Y.size
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(model.get_weights()[0], kernel - X.T @ slope, atol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], bias - slope.sum(0), atol=1e-5)


def test_several_outputs_keep_the_values_of_their_compiled_losses(backend):
    class Both(unidl.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(y[0] - y_pred[0]))

    inputs = unidl.Input((3,))
    outputs = [layers.Dense(2, name="a")(inputs), layers.Dense(2, name="b")(inputs)]
    model, plain = Both(inputs, outputs), unidl.Model(inputs, outputs)
    logs = []
    for each in (model, plain):
        each.compile("sgd", loss={"a": "mse", "b": "mae"}, metrics={"a": "mae"})
        logs.append(each.evaluate(X, [Y, Y], verbose=0, return_dict=True))
    assert logs[0]["loss"] == pytest.approx(logs[0]["a_loss"], rel=1e-6)
    assert logs[1]["loss"] == pytest.approx(logs[1]["a_loss"] + logs[1]["b_loss"], rel=1e-6)
    assert {n: v for n, v in logs[0].items() if n != "loss"} == {
        n: pytest.approx(v, rel=1e-6) for n, v in logs[1].items() if n != "loss"
    }


def test_targets_of_any_structure_reach_a_loss_of_ones_own(backend):
    class Two(Regressor):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(y["near"] - y_pred)) + ops.mean(ops.abs(y["far"] - y_pred))

    model = Two()
    model.compile("sgd")
    model.build((None, 3))
    error = X @ model.get_weights()[0] + model.get_weights()[1] - Y
    found = model.evaluate(X, {"near": Y, "far": Y}, batch_size=12, verbose=0)
    assert found == pytest.approx(np.mean(error**2) + np.mean(np.abs(error)), rel=1e-5)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda y: None, "compute_loss\\(\\) returned None"),
        (lambda y: y, r"must return a scalar, got the shape \(12, 2\)"),
    ],
)
def test_a_compute_loss_without_a_scalar_is_told(backend, returned, message):
    class Wrong(Regressor):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return returned(y_pred)

    model = Wrong()
    model.compile("sgd")
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, verbose=0)

"""A changed public attribute is obeyed by the next step, compiled or not."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.training import steps

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")


class Scale(layers.Layer):
    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, x):
        return ops.multiply(x, self.scale)


def model_of(*more, **compiled):
    unidl.utils.set_random_seed(1)
    model = unidl.Sequential([layers.Input((4,)), *more])
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | compiled))
    return model


def fit(model, **kwargs):
    return model.fit(X, X, batch_size=8, shuffle=False, verbose=0, **kwargs)


def test_a_layer_of_ones_own(backend):
    model = model_of(layers.Dense(4), Scale())
    fit(model)
    before = model.predict(X, verbose=0)
    model.layers[1].scale = 10.0
    np.testing.assert_allclose(model.predict(X, verbose=0), 10 * before, rtol=1e-5)
    assert model.evaluate(X, X, verbose=0) > 5
    model.layers[1].scale = 1.0
    np.testing.assert_allclose(model.predict(X, verbose=0), before, rtol=1e-5)


def test_a_rate_that_a_callback_changes(backend):
    model = model_of(layers.Dropout(0.0), Scale())
    losses = []

    class Drop(unidl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(self.model.evaluate(X, X, verbose=0))
            self.model.layers[1].scale = float(batch + 2)

    fit(model, callbacks=[Drop()])
    wanted = [float(np.mean((X * s - X) ** 2)) for s in (1.0, 2.0)]
    np.testing.assert_allclose(losses, wanted, rtol=1e-5, atol=1e-7)


def test_dropout_of_everything(backend):
    model = model_of(layers.Dropout(0.0), layers.Dense(4))
    fit(model)
    model.layers[0].rate = 0.999999
    kernel = model.layers[1].kernel.numpy()
    fit(model)
    np.testing.assert_array_equal(model.layers[1].kernel.numpy(), kernel)


@pytest.mark.parametrize(("name", "value"), [("clipvalue", 1e-9), ("clipnorm", 1e-9)])
def test_a_limit_of_the_optimizer(backend, name, value):
    model = model_of(layers.Dense(4))
    fit(model)
    setattr(model.optimizer, name, value)
    before = model.get_weights()
    fit(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_a_regularizer_a_loss_and_a_metric(backend):
    class Times(unidl.losses.Loss):
        factor = None

        def call(self, y_true, y_pred):
            return ops.mean(ops.square(y_true - y_pred), axis=-1) * self.factor

    loss = Times()
    loss.factor = 1.0
    model = model_of(layers.Dense(4, kernel_regularizer=unidl.regularizers.L2(0.0)), loss=loss)
    fit(model)
    first = model.evaluate(X, X, verbose=0)
    loss.factor = 1e-3
    second = model.evaluate(X, X, verbose=0)
    assert second < first / 10
    model.layers[0].kernel_regularizer.l2 = 1.0
    assert model.evaluate(X, X, verbose=0) > second + 0.1


def test_inference_of_a_normalization_without_weights(backend):
    norm = layers.BatchNormalization(center=False, scale=False)
    model = model_of(norm, Scale())
    fit(model)
    norm.trainable = False
    before = norm.moving_mean.numpy()
    fit(model)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def test_what_did_not_change_is_compiled_once(backend, monkeypatch):
    """Learning rates, early stopping, another model's attributes and equal values void nothing."""
    made = []
    real = steps.make_train_step

    def counted(model):
        step = real(model)
        compile_flat = step._compile_flat
        step._compile_flat = lambda unflatten: made.append(1) or compile_flat(unflatten)
        return step

    monkeypatch.setitem(steps.MAKERS, "train", counted)
    model, other = model_of(layers.Dense(4), Scale()), model_of(Scale())

    class Set(unidl.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.1 / (epoch + 1)
            other.layers[0].scale = float(epoch)
            self.model.layers[1].scale = 1.0
            self.model.stop_training = epoch == 2

    for _ in range(2):
        fit(model, epochs=5, callbacks=[Set()])
    assert made == [1]

"""Steps of the user's own are what fit, evaluate and predict run, compiled where that can be."""

import numpy as np
import pytest

import unidl
from unidl import layers, losses, metrics, ops, optimizers
from unidl.backend import use_backend
from unidl.training import own_steps

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6))
Y = X.sum(axis=1, keepdims=True)


class Net(unidl.Model):
    def __init__(self):
        super().__init__(dtype="float64")
        unidl.utils.set_random_seed(3)
        self.hidden = layers.Dense(5, activation="tanh", dtype="float64")
        self.drop = layers.Dropout(0.3, seed=2, dtype="float64")
        self.out = layers.Dense(1, dtype="float64")

    def call(self, inputs, training=False):
        return self.out(self.drop(self.hidden(inputs), training=training))


class ByHand(Net):
    """The step of `fit`, written out."""

    runs = 0

    def train_step(self, data):
        type(self).runs += 1
        x, y, sample_weight = unidl.utils.unpack_x_y_sample_weight(data)

        def forward():
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
            return self.optimizer.scale_loss(loss), (loss, y_pred)

        variables = self.trainable_variables
        (_, (loss, y_pred)), gradients = unidl.value_and_grad(forward, variables, has_aux=True)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=ops.shape(x)[0])
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        self.metrics[0].update_state(self.compute_loss(x, y, y_pred), sample_weight=ops.shape(x)[0])
        return self.compute_metrics(x, y, y_pred)

    def predict_step(self, data):
        return self(data[0])


class BySuper(Net):
    def train_step(self, data):
        logs = super().train_step(data)
        return logs | {"twice": logs["loss"] * 2}

    def test_step(self, data):
        return super().test_step(data)

    def predict_step(self, data):
        return super().predict_step(data)


def trained(cls, **more):
    model = cls()
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"], **more)
    history = model.fit(X, Y, batch_size=7, epochs=3, validation_split=0.2, verbose=0).history
    return model, history


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("cls", [ByHand, BySuper])
def test_a_step_that_does_what_fit_does_gives_what_fit_gives(backend, cls, eagerly):
    model, history = trained(Net)
    own, found = trained(cls, run_eagerly=eagerly)
    assert own_steps.is_own(own, "train")
    for name, values in history.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-11)
    for one, other in zip(own.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(own.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0))
    np.testing.assert_allclose(own.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-11)
    if cls is BySuper:
        assert found["twice"] == [2 * loss for loss in found["loss"]]


def test_it_is_compiled_after_its_first_run(backend):
    ByHand.runs = 0
    trained(ByHand)
    # 32 rows are 4 batches of 7 and one of 4, three times; a compiled one runs for each shape.
    assert ByHand.runs < 6 if backend.compiles_gradients else ByHand.runs == 15


def test_single_batches(backend):
    model = ByHand()
    model.compile("sgd", "mse", metrics=["mae"])
    first = model.train_on_batch(X, Y, return_dict=True)
    assert set(first) == {"loss", "mae"}
    assert model.train_on_batch(X, Y, return_dict=True)["loss"] < first["loss"]
    assert model.test_on_batch(X, Y) == model.evaluate(X, Y, batch_size=40, verbose=0)
    assert model.predict_on_batch(X).shape == (40, 1)


class Counting(unidl.Model):
    """Updates a metric of its own where it computes."""

    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1)
        self.seen = metrics.Sum(name="seen")

    def call(self, inputs):
        self.seen.update_state(ops.ones((ops.shape(inputs)[0],)))
        return self.out(inputs)


def test_metrics_that_a_model_holds_are_reset_and_shown(backend):
    model = Counting()
    model.compile("sgd", "mse")
    logs = model.fit(X, Y, batch_size=8, epochs=2, validation_data=(X[:5], Y[:5]), verbose=0)
    assert logs.history["seen"] == [40.0, 40.0]
    assert logs.history["val_seen"] == [5.0, 5.0]
    assert [metric.name for metric in model.metrics] == ["loss", "seen"]
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["seen"] == 40.0


class Reporting(Net):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred, sample_weight) | {"largest": ops.max(y_pred)}


def test_compute_metrics_adds_what_it_likes(backend):
    model, history = trained(Reporting)
    assert set(history) == {f"{v}{n}" for v in ("", "val_") for n in ("loss", "mae", "largest")}
    found = model.evaluate(X, Y, batch_size=40, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["largest"], model.predict(X, verbose=0).max(), rtol=1e-12)


class Gan(unidl.Model):
    """Two networks, two optimizers, no `call`, a metric each."""

    def __init__(self):
        super().__init__(dtype="float64")
        unidl.utils.set_random_seed(5)
        with_dtype = {"dtype": "float64"}
        self.judge = unidl.Sequential(
            [
                unidl.Input((6,), **with_dtype),
                layers.Dense(8, activation="leaky_relu", **with_dtype),
                layers.Dense(1, **with_dtype),
            ]
        )
        self.forger = unidl.Sequential(
            [unidl.Input((2,), **with_dtype), layers.Dense(6, activation="tanh", **with_dtype)]
        )
        self.noise = unidl.random.SeedGenerator(3)
        self.judge_loss = metrics.Mean(name="judge_loss")
        self.forger_loss = metrics.Mean(name="forger_loss")
        self.built = True

    def compile(self, judge_optimizer, forger_optimizer, loss_fn):
        super().compile()
        self.judge_optimizer, self.forger_optimizer = judge_optimizer, forger_optimizer
        self.loss_fn = loss_fn

    @property
    def metrics(self):
        return [self.judge_loss, self.forger_loss]

    def train_step(self, data):
        real = data[0] if isinstance(data, tuple) else data
        count = ops.shape(real)[0]
        seeds = unidl.random.normal((count, 2), dtype="float64", seed=self.noise)

        def of_judge():
            both = ops.concatenate([self.forger(seeds), real])
            labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))])
            return self.loss_fn(labels, self.judge(both))

        variables = self.judge.trainable_weights
        loss, gradients = unidl.value_and_grad(of_judge, variables)
        self.judge_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.judge_loss.update_state(loss)

        def of_forger():
            return self.loss_fn(ops.zeros((count, 1)), self.judge(self.forger(seeds)))

        variables = self.forger.trainable_weights
        loss, gradients = unidl.value_and_grad(of_forger, variables)
        self.forger_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.forger_loss.update_state(loss)
        return {metric.name: metric.result() for metric in self.metrics}


def gan():
    model = Gan()
    loss = losses.BinaryCrossentropy(from_logits=True, dtype="float64")
    model.compile(optimizers.Adam(0.02), optimizers.RMSprop(0.02), loss)
    return model


def fitted_gan(model, epochs):
    return model.fit(X, batch_size=10, epochs=epochs, shuffle=False, verbose=0).history


def test_two_networks_are_trained_by_two_optimizers(backend):
    with use_backend("numpy"):
        expected = fitted_gan(gan(), 3)
    model = gan()
    history = fitted_gan(model, 3)
    assert set(history) == {"judge_loss", "forger_loss"}
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-11)


def test_optimizers_and_metrics_of_ones_own_move_along(backend):
    model = gan()
    with use_backend("numpy"):
        whole = gan()
        fitted_gan(whole, 4)
    fitted_gan(model, 2)
    model.to("numpy")
    fitted_gan(model, 2)
    for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_a_rate_of_an_optimizer_of_ones_own_is_obeyed(backend):
    model = gan()
    fitted_gan(model, 1)
    model.judge_optimizer.learning_rate = model.forger_optimizer.learning_rate = 0.0
    before = model.get_weights()
    fitted_gan(model, 1)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_make_train_function_is_called(backend):
    class Wrapped(Net):
        steps = 0

        def make_train_function(self, force=False):
            inner = super().make_train_function(force)

            def function(iterator):
                self.steps += 1
                return inner(iterator)

            self.train_function = function
            return function

    model, history = trained(Wrapped)
    assert model.steps == 15
    np.testing.assert_allclose(history["loss"], trained(Net)[1]["loss"], rtol=1e-11)


def test_a_step_given_to_one_object_is_called(backend):
    model = Net()
    model.compile("sgd", "mse")
    model.predict_step = lambda data: model(data[0]) + 1.0
    np.testing.assert_allclose(model.predict(X, verbose=0), np.asarray(_host(model(X))) + 1.0)


def _host(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"train_step\(\) must return a dict of numbers by name, got None"),
        (3.0, r"must return a dict of numbers by name, got 3\.0"),
        ({}, r"must return a dict of numbers"),
    ],
)
def test_what_is_no_dict_is_told(backend, returned, message):
    model = type("Wrong", (Net,), {"train_step": lambda self, data: returned})()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=message):
        model.fit(X, Y, verbose=0)


def test_a_loss_of_compile_that_fits_nothing_is_told_when_it_is_asked_for(backend):
    class Own(Net):
        asks = False

        def train_step(self, data):
            if self.asks:
                return {"loss": self.compute_loss(*data, self(data[0]))}
            return {"rows": ops.shape(data[0])[0]}

    model = Own()
    model.compile("sgd", {"other": "mse"})
    assert model.fit(X, Y, batch_size=20, verbose=0).history == {"rows": [20.0]}
    model.asks = True
    with pytest.raises(ValueError, match="loss names the output 'other'"):
        model.fit(X, Y, batch_size=20, verbose=0)


def test_an_error_in_a_step_of_ones_own_is_raised_as_it_is(backend):
    class Broken(Net):
        def train_step(self, data):
            raise KeyError("mine")

    model = Broken()
    model.compile("sgd", "mse")
    with pytest.raises(KeyError, match="mine"):
        model.fit(X, Y, verbose=0)


class WithoutCall(unidl.Model):
    """Its outputs and targets are known to its step alone."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")
        self.dense.build((None, 3))

    def train_step(self, x):
        def losses():
            y_pred = self.dense(x)
            total = self.compute_loss(y=x[:, :1], y_pred=y_pred)
            total += ops.sum(self.dense.kernel) * 0.0  # as one sums up losses
            return total, y_pred

        (loss, y_pred), gradients = unidl.value_and_grad(
            losses, self.trainable_variables, has_aux=True
        )
        self.optimizer.apply(gradients, self.trainable_variables)
        return {**self.compute_metrics(x, x[:, :1], y_pred), "loss": loss}


def test_a_loss_of_compile_for_what_the_step_compares(backend):
    model = WithoutCall()
    model.compile(unidl.optimizers.SGD(0.1), "mse", metrics=["mae"])
    x = np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 0.0]], "float32")
    history = model.fit(x, epochs=2, verbose=0).history
    assert history["loss"][0] == pytest.approx((5**2 + 1) / 2)
    assert history["mae"][0] == pytest.approx(3.0)
    assert history["loss"][1] < history["loss"][0]

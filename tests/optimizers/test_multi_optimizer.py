"""Several optimizers for one model, against Keras: steps, numbers in files, configs, errors."""

import functools
import pickle

import numpy as np
import pytest

import unidl
from tests.reference import close, in_float64
from unidl import optimizers

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.random.default_rng(1).normal(size=(40, 1))
# What Keras puts through float32 is a sum of few powers of two.
ADAM = {"learning_rate": 2**-7, "beta_1": 0.875, "beta_2": 0.9375, "epsilon": 2**-12}


def compiled(k, scale=None):
    inputs = k.Input((3,))
    hidden = k.layers.Dense(4, kernel_initializer="ones", activation="tanh", name="body")(inputs)
    hidden = k.layers.Dense(4, kernel_initializer="ones", name="middle")(hidden)
    model = k.Model(inputs, k.layers.Dense(1, kernel_initializer="ones", name="head")(hidden))
    o = k.optimizers
    chosen = o.OptimizerMap(
        o.SGD(2**-10, momentum=0.5, weight_decay=0.125),
        {"body/.*": o.Adam(**ADAM, clipnorm=0.5), "head/kernel": o.SGD(2**-9)},
    )
    model.compile(o.MultiOptimizer(chosen, loss_scale_factor=scale), "mse")
    return model


def fitted(k, **options):
    model = compiled(k, **options)
    history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model, history.history["loss"]


@functools.cache
def _keras_run():
    with in_float64() as keras:
        model, losses = fitted(keras)
        return losses, [np.array(v) for v in (*model.weights, *model.optimizer.variables)]


@pytest.mark.parametrize("scale", [None, 8.0])
def test_twenty_steps_as_in_keras(backend, scale):
    losses, values = _keras_run()
    with in_float64():
        model, found = fitted(unidl, scale=scale)
    close(np.array(found), np.array(losses))
    variables = [*model.weights, *model.optimizer.variables]
    for ours, wanted in zip(variables, values, strict=True):
        close(ours.numpy(), wanted)
    assert int(model.optimizer.iterations) == 20
    assert np.isfinite(found).all()
    assert model.optimizer.optimizers[0].name == "adam"


def test_files_go_both_ways(backend, tmp_path):
    with in_float64() as keras:
        ours, theirs = fitted(unidl)[0], fitted(keras)[0]
        theirs.save(tmp_path / "theirs.keras")
        ours.save(tmp_path / "ours.keras")
        here = unidl.models.load_model(tmp_path / "theirs.keras")
        there = keras.models.load_model(tmp_path / "ours.keras")
        for model in (ours, here, there):
            model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
        wanted = ours.get_weights()
        for model in (here, there):
            for found, expected in zip(model.get_weights(), wanted, strict=True):
                close(found, expected)


def test_moves_copies_and_resumes(backend, tmp_path):
    with in_float64():
        model, _ = fitted(unidl)
        copy = pickle.loads(pickle.dumps(model))
        model.to("numpy")
        for each in (model, copy):
            each.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), copy.get_weights(), strict=True):
        close(a, b)


def test_a_function_may_choose():
    slow, fast = optimizers.SGD(0.0), optimizers.SGD(0.5)
    model = compiled(unidl)
    model.compile(
        optimizers.MultiOptimizer(lambda v: fast if v.path.endswith("bias") else slow), "mse"
    )
    before = [v.numpy() for v in model.trainable_variables]
    model.train_on_batch(X, Y)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.any(variable.numpy() != value) == variable.path.endswith("bias")


def test_a_learning_rate_of_one_is_obeyed_by_the_next_step():
    model, _ = fitted(unidl)
    model.optimizer.optimizers[0].learning_rate = 0.0  # Adam, which has the body
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    still = [np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
    assert still == [True, True, False, False, False, False]


def test_what_is_wrong_is_told():
    o = optimizers
    chosen = o.OptimizerMap(o.SGD(), {"a.*": o.SGD(), ".*b": o.Adam()})
    with pytest.raises(ValueError, match=r"'ab' fits 'a\.\*' and '\.\*b'"):
        chosen["ab"]
    with pytest.raises(ValueError, match="not a regular expression"):
        chosen["("] = o.SGD()
    with pytest.raises(ValueError, match=r"'a\.\*' has 'sgd"):
        chosen["a.*"] = o.SGD()
    with pytest.raises(ValueError, match="contains optimizers itself"):
        chosen["c"] = o.LossScaleOptimizer(o.SGD())
    with pytest.raises(TypeError, match="must be an Optimizer"):
        o.OptimizerMap("adam")
    with pytest.raises(TypeError, match="OptimizerMap or a function"):
        o.MultiOptimizer({"a": o.SGD()})
    multi = o.MultiOptimizer(chosen)
    with pytest.raises(AttributeError, match=r"optimizer\.optimizers\[0\]"):
        print(multi.learning_rate)
    with pytest.raises(AttributeError, match=r"optimizer\.optimizers\[0\]"):
        multi.learning_rate = 1.0

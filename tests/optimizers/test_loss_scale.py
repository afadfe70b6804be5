"""LossScaleOptimizer against Keras', step by step, and in the training of a float16 model."""

import re

import numpy as np
import pytest

import unidl
from unidl import layers, optimizers
from unidl.backend import Variable, use_backend

SHAPES = [(3, 2), (2,)]
STEPS = 14
# In which steps a gradient is not finite, and what it holds.
BAD = {0: np.inf, 4: np.nan, 5: -np.inf, 11: np.inf}
INNER = {
    "sgd": lambda module: module.SGD(0.1, momentum=0.9),
    "adam": lambda module: module.Adam(0.05),
    "adamw": lambda module: module.AdamW(0.05, weight_decay=0.1),
    "adam with averages": lambda module: module.Adam(0.05, use_ema=True, ema_momentum=0.8),
    "clipped": lambda module: module.SGD(0.1, global_clipnorm=0.5),
    "accumulating": lambda module: module.SGD(0.1, gradient_accumulation_steps=2),
}


def gradients():
    draw = np.random.default_rng(3)
    for step in range(STEPS):
        found = [64 * draw.normal(size=shape).astype("float32") for shape in SHAPES]
        if step in BAD:
            found[step % 2].flat[1] = BAD[step]
        yield found


def run(optimizer, variables, native, number):
    """The values of all variables, the scale and the counts after each step."""
    seen = []
    for grads in gradients():
        optimizer.apply([native(g) for g in grads], variables)
        seen.append(
            [
                *(np.array(v.numpy()) for v in variables),
                number(optimizer.dynamic_scale),
                number(optimizer.step_counter),
                number(optimizer.iterations),
            ]
        )
    return seen


def first_values():
    return [np.linspace(-1, 1, int(np.prod(s)), dtype="float32").reshape(s) for s in SHAPES]


def number(variable):
    return float(np.asarray(variable.numpy()))


@pytest.mark.parametrize("name", INNER)
def test_steps_are_those_of_keras(backend, name):
    keras = pytest.importorskip("keras")
    theirs = keras.optimizers.LossScaleOptimizer(
        INNER[name](keras.optimizers), initial_scale=64.0, dynamic_growth_steps=3
    )
    expected = run(
        theirs, [keras.Variable(v) for v in first_values()], keras.ops.convert_to_tensor, number
    )
    ours = optimizers.LossScaleOptimizer(
        INNER[name](optimizers), initial_scale=64.0, dynamic_growth_steps=3
    )
    variables = [Variable(v, backend=backend) for v in first_values()]
    found = run(ours, variables, backend.asarray, number)
    for step, (mine, wanted) in enumerate(zip(found, expected, strict=True)):
        for a, b in zip(mine, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6, err_msg=f"step {step}")
    names = [[re.sub(r"_\d+", "", v.name) for v in o.variables] for o in (ours, theirs)]
    assert names[0] == names[1]


def overflowing_model(**arguments):
    """Adam in float16, on data of which one row overflows."""
    unidl.utils.set_random_seed(2)
    policy = unidl.dtype_policies.DTypePolicy("mixed_float16")
    model = unidl.Sequential(
        [
            unidl.Input((4,)),
            layers.Dense(8, activation="relu", dtype=policy),
            layers.Dense(1, dtype="float32"),
        ],
        dtype=policy,
    )
    model.compile("adam", "mse", **arguments)
    x = np.random.default_rng(0).uniform(size=(32, 4)).astype("float32")
    x[13] = 6e4
    return model, x, np.ones((32, 1), "float32")


def test_weights_stay_finite_after_an_overflow(backend):
    model, x, y = overflowing_model()
    assert type(model.optimizer) is optimizers.LossScaleOptimizer
    before = model.get_weights()
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    assert int(model.optimizer.iterations) == 6  # of 8 steps two were taken back
    assert float(model.optimizer.dynamic_scale.numpy()) == 2.0**13


def test_without_it_they_do_not(backend):
    model, x, y = overflowing_model(auto_scale_loss=False)
    assert type(model.optimizer) is optimizers.Adam
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert not all(np.isfinite(w).all() for w in model.get_weights())


def test_state_is_saved_and_loaded(backend, tmp_path):
    model, x, y = overflowing_model()
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    model.save_weights(tmp_path / "a.weights.h5")
    other, _, _ = overflowing_model()
    other.load_weights(tmp_path / "a.weights.h5")
    for a, b in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert float(other.optimizer.dynamic_scale.numpy()) == 2.0**14


def test_the_config_is_that_of_keras():
    keras = pytest.importorskip("keras")
    ours = optimizers.LossScaleOptimizer(optimizers.SGD(0.5, name="s"), 8.0, 7, name="scaled")
    theirs = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.5, name="s"), 8.0, 7, name="scaled"
    )
    assert sorted(ours.get_config()) == sorted(theirs.get_config())
    again = optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert again.get_config() == ours.get_config()
    assert isinstance(again.inner_optimizer, optimizers.SGD)


def test_other_policies_are_left_alone():
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert type(model.optimizer) is optimizers.SGD


def test_gradients_of_numpy_are_taken(backend):
    with use_backend(backend):
        v = Variable(np.ones(2, "float32"))
        optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0), initial_scale=2.0)
        optimizer.build([v])
        optimizer.apply([np.array([2.0, 4.0])])
        assert v.numpy().tolist() == [0.0, -1.0]
        with pytest.raises(ValueError, match="got 2 gradients for 1 variables"):
            optimizer.apply([np.ones(2), np.ones(2)])

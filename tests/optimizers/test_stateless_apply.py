"""Optimizers' steps as functions of values, against `apply`."""

import numpy as np
import pytest

from unidl import optimizers
from unidl.backend import Variable
from unidl.optimizers import schedules
from unidl.optimizers.host_variable import HostVariable

DRAW = np.random.default_rng(0)
SHAPES = {"a": (3, 4), "b": (4,)}
VALUES = {name: DRAW.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}
GRADS = [[DRAW.normal(size=s).astype("float32") for s in SHAPES.values()] for _ in range(4)]

CASES = {
    name: lambda name=name: getattr(optimizers, name)(0.01)
    for name in (
        "SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion",
        "Adafactor", "Muon", "Lamb", "ScheduleFreeAdamW",
    )
} | {
    "options": lambda: optimizers.Adam(
        0.01, amsgrad=True, clipnorm=1.0, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=2
    ),
    "accumulation": lambda: optimizers.Nadam(0.01, gradient_accumulation_steps=2),
    "loss scale": lambda: optimizers.LossScaleOptimizer(
        optimizers.Adam(0.01), initial_scale=4.0, dynamic_growth_steps=2
    ),
    "several": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.01), {"b": optimizers.Adam(0.1)})
    ),
    "cosine": lambda: optimizers.SGD(
        schedules.CosineDecay(0.1, 5, warmup_target=0.3, warmup_steps=2)
    ),
}  # fmt: skip


def variables():
    return [Variable(value, name=name) for name, value in VALUES.items()]


@pytest.mark.quick_on("numpy", "torch")
@pytest.mark.parametrize("case", CASES)
def test_as_apply_and_nothing_changes(backend, case):
    stateful, ours = CASES[case](), CASES[case]()
    weights, own = variables(), variables()
    stateful.build(weights)
    ours.build(own)
    handles = [*ours.variables, *own]
    before = [v.numpy() for v in handles]
    values, state = [v.value for v in own], ours.variables
    for i, grads in enumerate(GRADS):
        grads = [backend.asarray(g) for g in grads]
        if case == "loss scale" and i == 2:
            grads[0] = backend.multiply(grads[0], np.inf)
        stateful.apply([backend.copy(g) for g in grads], weights)
        given = [np.array(backend.to_numpy(v)) for v in values]
        new, state = ours.stateless_apply(state, grads, values)
        for value, kept in zip(values, given, strict=True):  # nor are the given tensors changed
            np.testing.assert_array_equal(backend.to_numpy(value), kept)
        values = new
    for handle, value in zip(handles, before, strict=True):
        np.testing.assert_array_equal(handle.numpy(), value)
    pairs = zip([*state, *values], [*stateful.variables, *weights], strict=True)
    for found, wanted in pairs:  # as tensors, learning rates have 32 bits
        assert backend.is_tensor(found)
        np.testing.assert_allclose(backend.to_numpy(found), wanted.numpy(), rtol=1e-5, atol=1e-6)


def test_paths_are_keras_():
    optimizer = optimizers.Adam(0.01, name="adam")
    optimizer.build([Variable([1.0], name="w")])
    assert [v.path for v in optimizer.variables] == [
        "adam/iteration", "adam/learning_rate", "adam/w_momentum", "adam/w_velocity",
    ]  # fmt: skip


def test_a_rate_that_is_a_variable_is_not_read():
    rate = Variable(0.5)
    optimizer, weight = optimizers.SGD(rate), Variable([1.0])
    optimizer.build([weight])
    (value,), state = optimizer.stateless_apply([0, 0.25], [np.ones(1)], [weight])
    np.testing.assert_array_equal(value, [0.75])
    assert [float(x) for x in state] == [1, 0.25]
    assert isinstance(optimizer.learning_rate, HostVariable)
    assert float(rate) == 0.5


def test_wrong_use_is_told():
    optimizer, weight = optimizers.SGD(0.1, name="sgd"), Variable([1.0], name="w")
    with pytest.raises(ValueError, match=r"sgd: stateless_apply\(\).*optimizer.build\("):
        optimizer.stateless_apply([], [np.ones(1)], [weight])
    optimizer.build([weight])
    with pytest.raises(ValueError, match=r"got 1 values as optimizer_variables.*sgd/iteration"):
        optimizer.stateless_apply([0], [np.ones(1)], [weight])
    with pytest.raises(ValueError, match=r"'w' among trainable_variables has the shape \(2,\)"):
        optimizer.stateless_apply(optimizer.variables, [np.ones(1)], [np.ones(2)])
    with pytest.raises(ValueError, match="got 2 gradients for 1 variables"):
        optimizer.stateless_apply(optimizer.variables, [np.ones(1)] * 2, [weight])

"""Every optimizer and every option of the base class, seven steps in float64, against Keras."""

import functools

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import ops, optimizers
from unidl.backend import Variable, use_backend

STEPS = 7
SHAPES = [(3, 4), (4,), (), (4, 2), (2, 3, 2)]

# Keras casts Python constants through float32, so those here are sums of few powers of two. That
# the defaults are Keras' own is seen from the configs, and what they do from golden values, in
# test_optimizer.py.
ADAM = {"learning_rate": 2**-7, "beta_1": 0.875, "beta_2": 0.9375, "epsilon": 2**-12}
RMSPROP = {"learning_rate": 2**-7, "rho": 0.875, "epsilon": 2**-12}
SGD = {"learning_rate": 2**-5}
FTRL = {"learning_rate": 0.25, "initial_accumulator_value": 0.5}
ADAFACTOR = {"learning_rate": 0.5, "beta_2_decay": -0.5, "epsilon_1": 2**-20, "epsilon_2": 2**-6}
MUON = {
    "learning_rate": 2**-5, "adam_beta_1": 0.875, "adam_beta_2": 0.9375, "epsilon": 2**-12,
    "momentum": 0.75, "rms_rate": 0.25, "muon_a": 3.5, "muon_b": -4.75, "muon_c": 2.0,
    "weight_decay": 0.125, "adam_weight_decay": 0.25,
}  # fmt: skip
# With another beta_1 Keras' own update reads the slot that it has just assigned, but on JAX; see
# test_schedule_free_adamw.py.
FREE = {"learning_rate": 2**-5, "beta_1": 1.0, "beta_2": 0.9375, "epsilon": 2**-12}
EMA = {"use_ema": True, "ema_momentum": 0.75}

CASES = [
    ("SGD", SGD),
    ("SGD", {**SGD, "momentum": 0.875}),
    ("SGD", {**SGD, "momentum": 0.875, "nesterov": True}),
    ("SGD", {**SGD, "weight_decay": 2**-4, "momentum": 0.5}),
    ("SGD", {**SGD, "clipnorm": 0.25}),
    ("SGD", {**SGD, "clipvalue": 0.25}),
    ("SGD", {**SGD, "global_clipnorm": 0.5}),
    ("Adam", ADAM),
    ("Adam", {**ADAM, "epsilon": 0.25}),
    ("Adam", {**ADAM, "amsgrad": True, "beta_2": 0.5}),
    ("AdamW", {**ADAM, "weight_decay": 0.125, "clipnorm": 0.5}),
    ("RMSprop", RMSPROP),
    ("RMSprop", {**RMSPROP, "epsilon": 0.25, "rho": 0.5}),
    ("RMSprop", {**RMSPROP, "momentum": 0.875}),
    ("RMSprop", {**RMSPROP, "centered": True}),
    ("RMSprop", {**RMSPROP, "centered": True, "momentum": 0.25}),
    ("Adagrad", {"learning_rate": 2**-3, "initial_accumulator_value": 0.25, "epsilon": 2**-12}),
    (
        "Adagrad",
        {
            "learning_rate": 2**-3,
            "initial_accumulator_value": 0.0,
            "epsilon": 0.25,
            "weight_decay": 0.125,
            "gradient_accumulation_steps": 2,
        },
    ),
    ("Adadelta", {"learning_rate": 0.5, "rho": 0.875, "epsilon": 2**-10}),
    ("Adamax", {**ADAM, "epsilon": 2**-6}),
    ("Lamb", ADAM),
    ("Lamb", {**ADAM, "weight_decay": 0.125, "clipnorm": 0.5}),
    ("Lion", {"learning_rate": 2**-6, "beta_1": 0.875, "beta_2": 0.9375}),
    ("Lion", {"learning_rate": 2**-6, "beta_1": 0.5, "beta_2": 0.75, "weight_decay": 0.25}),
    ("Adafactor", ADAFACTOR),
    (
        "Adafactor",
        {**ADAFACTOR, "beta_2_decay": -1.0, "clip_threshold": 0.25, "relative_step": False},
    ),
    (
        "Adafactor",
        {
            **ADAFACTOR,
            "learning_rate": 2**-6,
            "weight_decay": 0.125,
            "gradient_accumulation_steps": 2,
        },
    ),
    ("Muon", MUON),
    ("Muon", {**MUON, "nesterov": False, "rms_rate": None, "ns_steps": 2, "weight_decay": None}),
    ("Muon", {**MUON, "adam_lr_ratio": 0.5, "exclude_layers": ["v0"], "clipnorm": 0.5}),
    ("Muon", {**MUON, "gradient_accumulation_steps": 3, "adam_weight_decay": None}),
    ("Ftrl", FTRL),
    (
        "Ftrl",
        {
            **FTRL,
            "l1_regularization_strength": 0.25,
            "l2_regularization_strength": 0.5,
            "beta": 0.125,
        },
    ),
    ("Ftrl", {**FTRL, "learning_rate_power": -0.25, "l2_shrinkage_regularization_strength": 0.125}),
    ("ScheduleFreeAdamW", FREE),
    ("ScheduleFreeAdamW", {**FREE, "warmup_steps": 4, "weight_decay": 0.125, "clipnorm": 0.5}),
    ("ScheduleFreeAdamW", {**FREE, "gradient_accumulation_steps": 2}),
    ("Adam", {**ADAM, **EMA}),
    ("Adam", {**ADAM, **EMA, "ema_overwrite_frequency": 3}),
    ("Adam", {**ADAM, "loss_scale_factor": 8.0}),
    ("Adam", {**ADAM, "gradient_accumulation_steps": 3}),
    (
        "SGD",
        {
            **SGD,
            "gradient_accumulation_steps": 2,
            "momentum": 0.875,
            "global_clipnorm": 0.5,
            "weight_decay": 0.125,
        },
    ),
    ("RMSprop", {**RMSPROP, "gradient_accumulation_steps": 2, **EMA, "ema_overwrite_frequency": 2}),
]


def _values(seed):
    draw = np.random.default_rng(seed)
    return [draw.standard_normal(s) for s in SHAPES]


@functools.cache
def _keras_run(case, unscaled):
    """Of CASES[case]: (variables, the optimizer's) after the steps; `unscaled` without its
    loss scale."""
    import keras

    name, arguments = CASES[case]
    if unscaled:
        arguments = {k: v for k, v in arguments.items() if k != "loss_scale_factor"}
    variables = [keras.Variable(v, dtype="float64", name=f"v{i}") for i, v in enumerate(_values(0))]
    variables[1].constraint = keras.constraints.NonNeg()
    optimizer = getattr(keras.optimizers, name)(**arguments)
    optimizer.build(variables)
    for step in range(STEPS):
        optimizer.apply(
            [keras.ops.convert_to_tensor(g, dtype="float64") for g in _values(step + 1)]
        )
    return [np.array(v) for v in variables], [np.array(v) for v in optimizer.variables]


def _make(name, arguments):
    from unidl import constraints

    variables = [Variable(v, dtype="float64", name=f"v{i}") for i, v in enumerate(_values(0))]
    variables[1].constraint = constraints.NonNeg()
    optimizer = getattr(optimizers, name)(**arguments)
    optimizer.build(variables)
    return optimizer, variables


def _compare(optimizer, variables, theirs):
    expected, slots = theirs
    for ours, wanted in zip(variables, expected, strict=True):
        close(ours.numpy(), wanted)
    assert len(optimizer.variables) == len(slots)
    for ours, wanted in zip(optimizer.variables, slots, strict=True):
        close(ours.numpy(), wanted)


each_case = pytest.mark.parametrize(
    "case",
    [
        pytest.param(i, id=f"{name}-{i}", marks=pytest.mark.xdist_group(f"optimizer {i}"))
        for i, (name, _) in enumerate(CASES)
    ],
)


@pytest.mark.in_turn("case")
@each_case
def test_eager(backend, case):
    with in_float64():
        theirs = _keras_run(case, unscaled=False)
        with use_backend(backend) as b:
            optimizer, variables = _make(*CASES[case])
            for step in range(STEPS):
                optimizer.apply([b.asarray(g) for g in _values(step + 1)])
            _compare(optimizer, variables, theirs)


@pytest.mark.in_turn("case")
@each_case
def test_in_a_compiled_step(backend, case):
    """The gradient of sum(c * v) is c: the same numbers through the backend's own compiled step,
    begin_step before each run."""
    with in_float64():
        theirs = _keras_run(case, unscaled="loss_scale_factor" in CASES[case][1])
        with use_backend(backend) as b:
            optimizer, variables = _make(*CASES[case])

            def forward(*coefficients):
                total = None
                for c, v in zip(coefficients, variables, strict=True):
                    part = ops.sum(ops.multiply(c, v))
                    total = part if total is None else ops.add(total, part)
                return optimizer.scale_loss(total), []

            state = variables + optimizer.slot_variables
            step = b.compile_step(forward, optimizer.apply, variables, state)
            for i in range(STEPS):
                optimizer.begin_step()
                step(*[b.asarray(g) for g in _values(i + 1)])
            _compare(optimizer, variables, theirs)


def test_schedule_and_changed_rate_reach_a_compiled_step(backend):
    """A learning rate that changes between runs is an input of the step, not a constant of its
    trace."""
    with use_backend(backend) as b:
        v = Variable(np.zeros(2), dtype="float64")
        optimizer = optimizers.SGD(
            optimizers.schedules.PiecewiseConstantDecay([1, 3], [1.0, 0.1, 0.01])
        )
        optimizer.build([v])
        step = b.compile_step(
            lambda x: (ops.sum(ops.multiply(x, v)), []), optimizer.apply, [v], [v]
        )
        for _ in range(6):
            step(b.asarray(np.ones(2)))
        close(v.numpy(), np.full(2, -(2 * 1.0 + 2 * 0.1 + 2 * 0.01)), 1e-6)
        assert int(optimizer.iterations) == 6

        constant = optimizers.SGD(1.0)
        constant.build([v])
        v.assign(np.zeros(2))
        step = b.compile_step(lambda x: (ops.sum(ops.multiply(x, v)), []), constant.apply, [v], [v])
        step(b.asarray(np.ones(2)))
        constant.learning_rate = 0.25
        step(b.asarray(np.ones(2)))
        constant.apply([b.asarray(np.ones(2))])
        close(v.numpy(), np.full(2, -1.5))
        assert int(constant.iterations) == 3

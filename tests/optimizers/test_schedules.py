"""Learning rate schedules against Keras, step by step."""

import json

import pytest

from tests.reference import in_float64
from unidl.optimizers import schedules

CASES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 20], "values": [1.0, 0.5, 0.2, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 12, "power": 2.0}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 12, "power": 0.5, "cycle": True},
    ),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 12, "alpha": 0.2}),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.0, "decay_steps": 12, "warmup_target": 0.3, "warmup_steps": 5},
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 5,
            "t_mul": 1.0,
            "m_mul": 0.5,
            "alpha": 0.1,
        },
    ),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_against_keras(name, arguments):
    ours = getattr(schedules, name)(**arguments)
    with in_float64() as keras:
        theirs = getattr(keras.optimizers.schedules, name)(**arguments)
        for step in range(30):
            # Keras' cosine restarts find the period by a logarithm, which is a step off where it
            # should be whole.
            if name != "CosineDecayRestarts" or step not in (5, 10, 15, 20, 25):
                assert ours(step) == pytest.approx(float(theirs(step)), rel=1e-6, abs=1e-8), step
        config = schedules.serialize(ours)
        assert config == keras.optimizers.schedules.serialize(theirs)
    again = schedules.deserialize(json.loads(json.dumps(config)))
    assert [again(s) for s in range(30)] == [ours(s) for s in range(30)]


def test_float64_golden_values():
    assert schedules.ExponentialDecay(0.1, 10, 0.5)(20) == 0.025
    assert schedules.CosineDecay(1.0, 10)(5) == pytest.approx(0.5, rel=1e-15)
    assert schedules.PolynomialDecay(1.0, 10, 0.0, 2.0)(5) == 0.25
    assert schedules.CosineDecayRestarts(1.0, 5, m_mul=0.5)(5) == 0.5


def test_errors():
    with pytest.raises(ValueError, match="decay_steps must be a positive number"):
        schedules.ExponentialDecay(0.1, 0, 0.5)
    with pytest.raises(ValueError, match=r"n \+ 1 values"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])

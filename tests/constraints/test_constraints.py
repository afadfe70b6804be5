"""Constraints in float64 against Keras on every backend."""

import json

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import constraints
from unidl.backend import use_backend

W = np.random.default_rng(0).standard_normal((4, 3))
W[:, 2] *= 0.01

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": (0, 1)}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.75, "rate": 0.5, "axis": 1}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[f"{n}-{a}" for n, a in CASES])
def test_against_keras(backend, name, arguments):
    with in_float64() as keras, use_backend(backend) as b:
        ours, theirs = (
            getattr(constraints, name)(**arguments),
            getattr(keras.constraints, name)(**arguments),
        )
        close(b.to_numpy(ours(b.asarray(W))), np.array(theirs(W)))
        config = constraints.serialize(ours)
        assert config == keras.constraints.serialize(theirs)
        again = json.loads(json.dumps(config))
        assert (
            constraints.serialize(constraints.deserialize(again))
            == json.loads(json.dumps(config))
            == again
        )


def test_get():
    assert type(constraints.get("non_neg")) is constraints.NonNeg
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match="Did you mean 'max_norm'"):
        constraints.get("maxnorm")

"""Regularizers and their gradients in float64 against Keras on every backend."""

import json

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import regularizers
from unidl.backend import Variable, use_backend

W = np.random.default_rng(0).standard_normal((4, 3))

CASES = [
    ("L1", {"l1": 0.25}),
    ("L2", {"l2": 0.25}),
    ("L1L2", {"l1": 0.25, "l2": 0.125}),
    ("L1L2", {"l1": 0.25}),
    ("L1L2", {"l2": 0.125}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {"factor": 0.25}),
    ("OrthogonalRegularizer", {"factor": 0.25, "mode": "columns"}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[f"{n}-{a}" for n, a in CASES])
def test_against_keras(backend, name, arguments):
    tf = pytest.importorskip("tensorflow")
    with in_float64() as keras, use_backend(backend) as b:
        ours, theirs = (
            getattr(regularizers, name)(**arguments),
            getattr(keras.regularizers, name)(**arguments),
        )
        # Keras' factor of this one is a float32 tensor whatever floatx is.
        single = name == "OrthogonalRegularizer"
        w = tf.Variable(W.astype("float32") if single else W)
        with tf.GradientTape() as tape:
            expected = theirs(w)
        slope = tape.gradient(expected, w)
        v = Variable(W, dtype="float64")
        value, (gradient,) = b.value_and_grad(lambda: ours(v.value), [v])
        tolerance = 1e-5 if single else 1e-11
        close(b.to_numpy(value), expected.numpy(), tolerance)
        close(b.to_numpy(gradient), np.zeros_like(W) if slope is None else slope.numpy(), tolerance)
        config = regularizers.serialize(ours)
        assert config == keras.regularizers.serialize(theirs)
        assert (
            regularizers.deserialize(json.loads(json.dumps(config))).get_config()
            == ours.get_config()
        )


def test_get():
    assert type(regularizers.get("l2")) is regularizers.L2
    assert type(regularizers.get("l1_l2")) is regularizers.L1L2
    assert regularizers.get(None) is None
    with pytest.raises(ValueError, match="of 0 or more"):
        regularizers.L2(-1)
    with pytest.raises(ValueError, match="matrices"):
        regularizers.OrthogonalRegularizer()(np.ones(3))

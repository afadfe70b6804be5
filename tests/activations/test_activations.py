"""Every activation in float64 against Keras on every backend; names and configs."""

import numpy as np
import pytest

from tests.reference import bare_signature, close, in_float64
from unidl import activations, saving
from unidl.backend import use_backend

X = np.concatenate(
    [np.random.default_rng(0).standard_normal((5, 6)) * 3, [[-30.0, -6.5, -1.5, 1.5, 6.5, 30.0]]]
)

CASES = [
    (name, {})
    for name in activations.__all__
    if name not in ("get", "serialize", "deserialize", "threshold", "sparsemax")
] + [
    ("relu", {"negative_slope": 0.25}),
    ("relu", {"max_value": 2.0}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"negative_slope": 0.5, "max_value": 2.0, "threshold": 0.5}),
    ("leaky_relu", {"negative_slope": 0.5}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": (0, 1)}),
    ("log_softmax", {"axis": 0}),
    ("glu", {"axis": 0}),
    ("squareplus", {"b": 1}),
    ("soft_shrink", {"threshold": 0.25}),
    ("hard_shrink", {"threshold": 0.25}),
    ("threshold", {"threshold": 0.5, "default_value": -1.0}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[f"{n}-{a}" for n, a in CASES])
def test_values(backend, name, arguments):
    with in_float64() as keras, use_backend(backend) as b:
        expected = getattr(keras.activations, name)(keras.ops.convert_to_tensor(X), **arguments)
        found = getattr(activations, name)(b.asarray(X), **arguments)
        # Keras writes some constants in float32: selu's, gelu's, leaky_relu's, those of
        # hard_sigmoid.
        loose = name in ("selu", "gelu", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_swish")
        close(b.to_numpy(found), np.array(expected), 1e-6 if loose else 1e-11)


def test_sparsemax_is_the_projection_onto_the_simplex(backend):
    """Not against Keras, whose threshold sums running sums: its result for (0.1, 0.2, 0.3) does not
    add up to 1."""
    with use_backend(backend) as b:
        np.testing.assert_allclose(
            b.to_numpy(
                activations.sparsemax(b.asarray(np.array([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]])))
            ),
            [[0, 0, 1], [0.7 / 3, 1 / 3, 1.3 / 3]],
            atol=1e-15,
        )
        y = b.to_numpy(activations.sparsemax(b.asarray(X), axis=0))
        np.testing.assert_allclose(y.sum(0), 1, rtol=1e-13)
        # Optimality: where y > 0, x - y is one number for each column, and nowhere less.
        gap = np.where(y > 0, X - y, -np.inf).max(0)
        np.testing.assert_allclose(
            np.where(y > 0, X - y, gap), np.broadcast_to(gap, X.shape), atol=1e-13
        )
        assert (gap + y + 1e-13 >= X).all()


def test_gelu_and_selu_golden_values():
    from math import erf, exp, sqrt

    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(
        activations.gelu(x), [v * 0.5 * (1 + erf(v / sqrt(2))) for v in x], rtol=1e-13
    )
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    np.testing.assert_allclose(
        activations.selu(x), [scale * (v if v > 0 else alpha * (exp(v) - 1)) for v in x], rtol=1e-13
    )
    np.testing.assert_allclose(activations.hard_sigmoid(x), [2 / 6, 3.5 / 6, 5 / 6], rtol=1e-13)


def test_signatures_are_keras():
    with in_float64() as keras:
        for name in activations.__all__:
            if name not in ("get", "serialize", "deserialize"):
                ours, theirs = (
                    bare_signature(getattr(activations, name)),
                    bare_signature(getattr(keras.activations, name)),
                )
                assert str(ours) == str(theirs), name


def test_names():
    with in_float64() as keras:
        for name in activations.__all__:
            if name not in ("get", "serialize", "deserialize"):
                function = activations.get(name)
                assert function is getattr(activations, name)
                assert activations.serialize(function) == keras.activations.serialize(
                    getattr(keras.activations, name)
                )
                assert activations.deserialize(activations.serialize(function)) is function
    assert activations.get(None) is activations.linear
    config = {
        "module": "builtins",
        "class_name": "function",
        "config": "relu",
        "registered_name": "function",
    }
    assert activations.get(config) is activations.relu
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        activations.get("rellu")
    with pytest.raises(ValueError, match="no activation"):
        activations.get(3)


def test_registered_activations():
    @saving.register_keras_serializable("mine")
    def doubled(x):
        return x * 2

    config = activations.serialize(doubled)
    assert config["config"] == "mine>doubled"
    assert activations.get(config) is doubled
    with pytest.warns(UserWarning, match="byte code"):
        config = activations.serialize(lambda x: x)
    with pytest.raises(ValueError, match="lambda"):
        activations.get(config)

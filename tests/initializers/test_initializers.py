"""Initializers: distribution, determinism, configs that interchange with Keras."""

import json
import math

import numpy as np
import pytest

from tests.reference import bare_signature, in_float64
from unidl import initializers
from unidl.backend import Variable
from unidl.initializers.variance_scaling import compute_fans
from unidl.random import SeedGenerator
from unidl.utils import set_random_seed

RANDOM = [
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "GlorotNormal",
    "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal",
]  # fmt: skip
ALL = [*RANDOM, "Zeros", "Ones", "Constant", "Identity", "STFT"]


@pytest.mark.parametrize("name", ALL)
def test_signature_and_config_are_keras(name):
    ours = getattr(initializers, name)
    with in_float64() as keras:
        theirs = getattr(keras.initializers, name)
        assert bare_signature(ours) == bare_signature(theirs)
        for arguments in ({}, {"seed": 3}, {"seed": "generator"}):
            if arguments and name not in RANDOM:
                continue
            given = [
                {k: generator(1, name="s") if v == "generator" else v for k, v in arguments.items()}
                for generator in (SeedGenerator, keras.random.SeedGenerator)
            ]
            config, expected = (
                initializers.serialize(ours(**given[0])),
                keras.initializers.serialize(theirs(**given[1])),
            )
            if name == "Identity":
                assert config["config"].pop("gain") == 1.0  # Keras forgets it
            assert config == expected
            again = initializers.deserialize(json.loads(json.dumps(expected)))
            assert type(again) is ours
            assert again.get_config().keys() >= expected["config"].keys()
            assert type(keras.initializers.deserialize(json.loads(json.dumps(config)))) is theirs


@pytest.mark.parametrize("name", RANDOM[3:10])
@pytest.mark.parametrize("shape", [(200, 100), (3, 3, 20, 40)])
def test_spread_is_that_of_keras(name, shape):
    ours = getattr(initializers, name)(seed=1)(shape, dtype="float64")
    with in_float64() as keras:
        theirs = np.array(getattr(keras.initializers, name)(seed=1)(shape, dtype="float64"))
    assert ours.shape == shape
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert abs(ours.mean()) < 5 * ours.std() / math.sqrt(ours.size)
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "boxcar", None, "array"])
@pytest.mark.parametrize("shape", [(9, 1, 5), (4, 1, 2), (1, 1, 3)])
def test_stft_is_that_of_keras(side, scaling, periodic, window, shape):
    window = np.linspace(-0.5, 2, shape[0]) if window == "array" else window
    ours = initializers.STFT(side, window, scaling, periodic)(shape, dtype="float64")
    with in_float64() as keras:
        theirs = np.array(
            keras.initializers.STFT(side, window, scaling, periodic)(shape, dtype="float64")
        )
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_limits():
    x = initializers.GlorotUniform(seed=1)((30, 20), dtype="float64")
    limit = math.sqrt(6 / 50)
    assert 0.95 * limit < np.abs(x).max() <= limit
    x = initializers.HeNormal(seed=1)((50, 400), dtype="float64")
    assert np.abs(x).max() <= 2 * math.sqrt(2 / 50) / 0.87962566103423978
    x = initializers.RandomUniform(seed=1)((1000,))
    assert -0.05 <= x.min() <= x.max() < 0.05
    x = initializers.TruncatedNormal(mean=1.0, stddev=0.1, seed=1)((1000,))
    assert 0.8 <= x.min() <= x.max() <= 1.2


def test_fans():
    assert compute_fans((3, 5)) == (3, 5)
    assert compute_fans((2, 3, 5, 7)) == (30, 42)
    assert compute_fans((4,)) == (4, 4)
    assert compute_fans(()) == (1, 1)
    assert compute_fans((2, 3, 5), input_axes=(0,), output_axes=(1, 2)) == (2, 15)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 4), (5, 5)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").reshape(-1, shape[-1]) / 2
    gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-14)


def test_seeds():
    fixed = initializers.HeNormal(seed=4)
    np.testing.assert_array_equal(fixed((3, 4)), fixed((3, 4)))
    np.testing.assert_array_equal(fixed((3, 4)), initializers.HeNormal(seed=4)((3, 4)))
    unseeded = initializers.HeNormal()
    np.testing.assert_array_equal(unseeded((3, 4)), unseeded((3, 4)))
    assert (unseeded((3, 4)) != initializers.HeNormal()((3, 4))).any()
    going_on = initializers.HeNormal(seed=SeedGenerator(1))
    assert (going_on((3, 4)) != going_on((3, 4))).any()
    with pytest.raises(ValueError, match="seed must be"):
        initializers.HeNormal(seed="a")


@pytest.mark.parametrize("name", RANDOM)
def test_weights_are_bit_identical_on_all_backends(backend, name):
    def weight(where):
        set_random_seed(3)
        return Variable(getattr(initializers, name)(), shape=(7, 5), backend=where).numpy()

    np.testing.assert_array_equal(weight(backend), weight("numpy"))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", None])
def test_dtype_and_shape(name, dtype):
    shape = (4, 1, 3) if name == "STFT" else (4, 3)
    x = getattr(initializers, name)()(shape, dtype=dtype)
    assert type(x) is np.ndarray
    assert x.shape == shape
    assert x.dtype == (dtype or "float32")


def test_values_without_randomness():
    np.testing.assert_array_equal(initializers.Identity(gain=2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])
    np.testing.assert_array_equal(initializers.Constant([1, 2])((3, 2)), [[1, 2]] * 3)
    assert initializers.Ones()((2,), dtype="int32").dtype == np.int32


def test_get():
    assert type(initializers.get("glorot_uniform")) is initializers.GlorotUniform
    assert type(initializers.get("normal")) is initializers.RandomNormal
    assert type(initializers.get(initializers.Zeros)) is initializers.Zeros
    assert initializers.get({"class_name": "Constant", "config": {"value": 3}})((1,))[0] == 3
    assert initializers.get(None) is None
    fixed = initializers.get(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(fixed((2,)), [1, 2])
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        fixed((3,))
    with pytest.raises(ValueError, match="Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(ValueError, match="no initializer"):
        initializers.get(3)


def test_errors():
    with pytest.raises(ValueError, match="two axes"):
        initializers.Identity()((2, 3, 4))
    with pytest.raises(ValueError, match="two axes"):
        initializers.Orthogonal()((2,))
    with pytest.raises(ValueError, match="window must be 'boxcar', 'hann'"):
        initializers.STFT(window="han")
    with pytest.raises(ValueError, match=r"time steps, 1, frequencies"):
        initializers.STFT()((8, 2, 5))
    with pytest.raises(ValueError, match="one value for each of the 8 time steps"):
        initializers.STFT(window=[1.0, 2.0])((8, 1, 5))
    with pytest.raises(ValueError, match="scale must be a positive number"):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(ValueError, match="mode must be one of"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="floats"):
        initializers.RandomNormal()((2,), dtype="int32")

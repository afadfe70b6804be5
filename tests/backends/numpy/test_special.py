"""erf, erfinv and sigmoid against the math module, and the hash against its definition."""

import math

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B
from unidl.backend.contract.random import mix

POINTS = np.concatenate(
    [
        np.linspace(-6.5, 6.5, 20001),
        10.0 ** np.linspace(-300, 1.5, 1000),
        -(10.0 ** np.linspace(-30, 2, 500)),
    ]
)


def ulps(x, reference):
    spacing = np.spacing(np.abs(reference).astype(x.dtype)).astype("float64")
    return np.max(np.abs(x.astype("float64") - reference) / spacing)


@pytest.mark.parametrize(("dtype", "budget"), [("float64", 4), ("float32", 1), ("float16", 1)])
def test_erf(dtype, budget):
    x = POINTS[np.abs(POINTS) > 1e-3].astype(dtype)
    assert ulps(B.erf(x), np.array([math.erf(v) for v in x.astype("float64")])) <= budget


def test_erf_at_the_edges():
    np.testing.assert_array_equal(
        B.erf(np.array([np.inf, -np.inf, 0.0, np.nan])), [1, -1, 0, np.nan]
    )
    assert np.signbit(B.erf(np.array(-0.0)))
    tiny = np.array([1e-300, -1e-200])
    np.testing.assert_allclose(B.erf(tiny), tiny * 2 / math.sqrt(math.pi), rtol=4e-16)


def test_erfinv():
    y = np.concatenate([np.linspace(1e-8, 5.8, 2000), 10.0 ** np.linspace(-200, -9, 50)])
    x = np.array([math.erf(v) for v in y])
    # What the rounding of x to float64 can move y by, and two digits of our own.
    loose = np.spacing(x) * (math.sqrt(math.pi) / 2) * np.exp(y * y) + 6 * np.spacing(y)
    inside = x < 1
    z = B.erfinv(x)
    assert (np.abs(z - y)[inside] <= loose[inside]).all()
    np.testing.assert_array_equal(B.erfinv(-x), -z)
    np.testing.assert_array_equal(
        B.erfinv(np.array([1.0, -1.0, 1.5, np.nan, 0.0])), [np.inf, -np.inf, np.nan, np.nan, 0]
    )


def test_sigmoid_of_large_numbers():
    x = np.array([-1000.0, -700.0, -40.0, 0.0, 40.0, 1000.0])
    with np.errstate(all="raise", under="ignore"):
        y = B.sigmoid(x)
    np.testing.assert_allclose(y, [0, math.exp(-700), math.exp(-40), 0.5, 1, 1], rtol=1e-15)


@pytest.mark.parametrize("key", [(0, 0), (123456789, 987654321), (2**32 - 1, 2**32 - 1)])
def test_random_bits(key):
    count = 40_000
    bits = B.random_bits(key, (2, count // 2))
    for i in (0, 1, 2, 32767, 32768, count - 1):
        assert int(bits.reshape(-1)[i]) == mix(mix((i + key[0]) & 0xFFFFFFFF) ^ key[1])


def test_uniform_is_exact():
    bits = B.random_bits((3, 4), (1000,))
    for dtype in ("float32", "float64"):
        np.testing.assert_array_equal(
            B.uniform((3, 4), (1000,), dtype),
            (bits >> np.uint32(8)).astype(dtype) * np.array(2.0**-24, dtype),
        )

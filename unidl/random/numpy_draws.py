"""The same random numbers in pure NumPy: weights, shuffles and whatever else is drawn before a
backend comes in.

`bits` and `uniform` agree with every backend to the last bit. `normal` is computed in float64 and
rounded once, so that weights do not depend on a framework's (or a NumPy version's) float32
logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unidl.backend.contract.random import host_bits
from unidl.random.key_derivation import Key
from unidl.typing import DType, TensorLike

_BLOCK = 1 << 16  # numbers of 8 bytes: a block and what is made of it stay in the cache


def bits(key: Key, shape: Sequence[int]) -> np.ndarray:
    """uint32 words: element i is mix(mix(i + key[0]) ^ key[1])."""
    return host_bits(key, math.prod(shape)).reshape(shape)


def uniform(key: Key, shape: Sequence[int], dtype: DType | None = "float32") -> np.ndarray:
    """[0, 1) in steps of 2**-24."""
    words = bits(key, shape)
    words >>= np.uint32(8)
    out = words.astype(dtype)
    out *= 2.0**-24
    return out


def normal(key: Key, shape: Sequence[int], dtype: DType | None = "float32") -> np.ndarray:
    """Standard normal by Box & Muller, as `Random.normal` of the backend contract."""
    radius, angle = uniform(key, (2, math.prod(shape)), "float64")
    np.subtract(1.0, radius, out=radius)
    np.log(radius, out=radius)
    radius *= -2.0
    np.sqrt(radius, out=radius)
    angle *= 2 * math.pi
    np.cos(angle, out=angle)
    radius *= angle
    return radius.reshape(shape).astype(dtype)


def truncated_normal(key: Key, shape: Sequence[int], dtype: DType | None = "float32") -> np.ndarray:
    """Standard normal given |x| <= 2, by the inverse of its distribution function."""
    centred = uniform(key, shape, "float64")
    centred -= 0.5
    centred *= math.erf(math.sqrt(2.0))
    return _normal_quantile(centred).astype(dtype)


def permutation(key: Key, n: int) -> np.ndarray:
    """A random order of range(n), int64."""
    return np.argsort(bits(key, (n,)), kind="stable")


# Wichura's algorithm AS 241 (Applied Statistics 37, 1988), PPND16: rational functions, numerator
# and denominator, highest power first, for the middle and the near tail. Its far tail begins beyond
# five standard deviations.
_MIDDLE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_TAIL = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)


def _normal_quantile(centred: np.ndarray) -> np.ndarray:
    """x with P(X <= x) = 0.5 + centred, float64, for |centred| < 0.5 - 2e-11."""
    flat = centred.reshape(-1)
    out = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        result = out[start : start + _BLOCK]
        np.multiply(block, _ratio(_MIDDLE, 0.180625 - block * block), out=result)
        tail = np.flatnonzero(np.abs(block) > 0.425)
        far = block[tail]
        result[tail] = np.copysign(_ratio(_TAIL, np.sqrt(-np.log(0.5 - np.abs(far))) - 1.6), far)
    return out.reshape(centred.shape)


def _ratio(polynomials: Any, x: TensorLike) -> Any:
    numerator, denominator = (_horner(p, x) for p in polynomials)
    numerator /= denominator
    return numerator


def _horner(coefficients: Any, x: TensorLike) -> Any:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= x
        value += coefficient
    return value

"""Draws whose parameters may differ from element to element: gamma, beta, binomial.

What is accepted and what is counted is decided in float64 on every backend, so that one framework's
float32 logarithm cannot accept what another's rejects: the numbers agree to the rounding of the
dtype asked for, and those of `binomial` exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unidl.backend.errors import UnsupportedError
from unidl.ops.dispatch import backend_of, convert
from unidl.random.draws import drawn, float_dtype
from unidl.typing import DType, SeedLike, Tensor, TensorLike

# An attempt fails once in 20 times at most, so that all fail once in 2e10 times; the number is then
# d, near the mean.
_ATTEMPTS = 8
_ROWS = 3 * _ATTEMPTS + 1


def gamma(
    shape: Sequence[int],
    alpha: TensorLike,
    dtype: DType | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Float tensor of `shape` from the gamma distribution of scale 1; `alpha` > 0 is a number or a
    tensor that broadcasts.

    Examples:
        >>> x = unidl.random.gamma((10000,), alpha=3.0, seed=1)
        >>> round(float(unidl.ops.mean(x)), 1)
        3.0
    """
    dtype = float_dtype("gamma", dtype)
    backend = backend_of([alpha])
    with backend.scope():
        alpha = _parameter(backend, "gamma: alpha", alpha, shape)
        u = drawn(backend, seed, shape, _wide_uniform(backend), parts=_ROWS)
        return backend.cast(_gamma(backend, u, 0, alpha), dtype)


def beta(
    shape: Sequence[int],
    alpha: TensorLike,
    beta: TensorLike,
    dtype: DType | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Float tensor of `shape` from the beta distribution: x / (x + y), x and y gamma distributed
    with `alpha` and `beta`.

    Examples:
        >>> x = unidl.random.beta((10000,), alpha=2.0, beta=6.0, seed=1)
        >>> round(float(unidl.ops.mean(x)), 2)  # 2 / (2 + 6)
        0.25
    """
    dtype = float_dtype("beta", dtype)
    backend = backend_of([alpha, beta])
    with backend.scope():
        alpha, beta = (
            _parameter(backend, "beta: alpha", alpha, shape),
            _parameter(backend, "beta: beta", beta, shape),
        )
        u = drawn(backend, seed, shape, _wide_uniform(backend), parts=2 * _ROWS)
        x, y = _gamma(backend, u, 0, alpha), _gamma(backend, u, _ROWS, beta)
        return backend.cast(backend.divide(x, backend.add(x, y)), dtype)


def binomial(
    shape: Sequence[int],
    counts: TensorLike,
    probabilities: TensorLike,
    dtype: DType | None = None,
    seed: SeedLike | None = None,
) -> Tensor:
    """Float tensor of `shape`: how many of `counts` throws hit, each with its one of
    `probabilities`; both broadcast to `shape`.

    Each throw is drawn: the memory is that of the result times the largest count. `counts` are
    numbers or an array, not what a compiled function computes.

    Examples:
        >>> unidl.random.binomial((5,), counts=10, probabilities=0.5, seed=1).shape
        (5,)
    """
    dtype = float_dtype("binomial", dtype)
    backend = backend_of([counts, probabilities])
    if not isinstance(counts, int | float | list | tuple | np.ndarray | np.generic):
        raise UnsupportedError(
            "binomial: counts must be known while the function is traced, got a "
            f"{type(counts).__name__}. Pass a number or a NumPy array: the number of draws depends "
            "on the largest count."
        )
    counts = np.broadcast_to(np.asarray(counts, "int64"), shape)
    if counts.min(initial=0) < 0:
        raise ValueError(f"binomial: counts must not be negative, got {counts.min()}.")
    throws = int(counts.max(initial=0))
    with backend.scope():
        # A word is a hit below p * 2**32; float64 holds both without rounding.
        words = drawn(backend, seed, shape, backend.random_bits, parts=throws)
        words = backend.cast(words, "float64")
        p = backend.cast(backend.asarray(convert(backend, probabilities)), "float64")
        hits = backend.less(words, backend.multiply(p, 2.0**32))
        thrown = backend.asarray(np.arange(throws).reshape(-1, *(1,) * len(shape)) < counts)
        return backend.cast(
            backend.sum(backend.cast(backend.logical_and(hits, thrown), "int32"), 0), dtype
        )


def _wide_uniform(backend: Any) -> Any:
    return lambda key, shape: backend.uniform(key, shape, "float64")


def _parameter(backend: Any, name: str, value: Any, shape: Any) -> Any:
    """`value` in float64 and of `shape`."""
    if isinstance(value, int | float) and not value > 0:
        raise ValueError(f"{name} must be positive, got {value}.")
    return backend.broadcast_to(
        backend.cast(backend.asarray(convert(backend, value)), "float64"), tuple(shape)
    )


def _gamma(B: Any, u: Any, first: Any, alpha: Any) -> Any:
    """Marsaglia & Tsang (ACM TOMS 26, 2000) from rows `first`, `first` + 1 ... of `u`: with z
    normal and v = (1 + c z)**3, d v is taken where log(u) < z**2 / 2 + d - d v + d log(v). Below
    alpha = 1 it is that of alpha + 1, times u**(1 / alpha)."""

    def uniform(row: Any) -> Any:
        return B.subtract(1.0, B.getitem(u, (first + row,)))  # in (0, 1]

    small = B.less(alpha, 1.0)
    d = B.subtract(B.where(small, B.add(alpha, 1.0), alpha), 1 / 3)
    c = B.divide(1.0, B.sqrt(B.multiply(d, 9.0)))
    result = d
    for attempt in reversed(range(_ATTEMPTS)):  # the first that succeeds comes last, and stays
        radius, angle, test = (uniform(3 * attempt + i) for i in range(3))
        z = B.multiply(
            B.sqrt(B.multiply(B.log(radius), -2.0)), B.cos(B.multiply(angle, 2 * math.pi))
        )
        root = B.add(B.multiply(c, z), 1.0)
        positive = B.greater(root, 0.0)
        v = B.where(positive, B.multiply(B.square(root), root), B.full_like(root, 1.0))
        limit = B.add(
            B.divide(B.square(z), 2.0), B.multiply(d, B.add(B.subtract(1.0, v), B.log(v)))
        )
        taken = B.logical_and(positive, B.less(B.log(test), limit))
        result = B.where(taken, B.multiply(d, v), result)
    boost = B.power(uniform(_ROWS - 1), B.divide(1.0, alpha))
    return B.where(small, B.multiply(result, boost), result)

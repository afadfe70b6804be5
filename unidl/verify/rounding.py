"""What rounding in float32 may do to a model: the noisy oracle, whose sums are also taken one term after the other.

Kernels sum in any order they like. The worst they do in practice is one accumulator for all terms: over n of them it loses up
to n/2 roundings, where a tree of pairs loses log2 n. (Measured on batch normalization of 8,192 values a channel: the variance
off by 470 roundings in two frameworks, by 3 and 7 in two others.) `unidl.conformance` asks for better, and the first budget of
a layer does too; but where this simulation loses as much, rounding explains an error.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from unidl.conformance.oracle import noisy_oracle, oracle


@cache
def rounding_oracle():
    """The backend whose float64 results scatter like float32's, sums taken in a random order; `seed(n)` chooses."""
    exact, noisy = oracle(), type(noisy_oracle())

    def total(self, x, axis, keepdims, mean):
        y = (noisy.mean if mean else noisy.sum)(self, x, axis=axis, keepdims=keepdims)
        if exact.dtype(x) != "float64":
            return y
        return exact.add(
            y, exact.asarray(_loss_of_a_sum(exact.to_numpy(x), axis, keepdims, mean, self.signs))
        )

    def sum(self, x, axis=None, keepdims=False):
        return total(self, x, axis, keepdims, mean=False)

    def mean(self, x, axis=None, keepdims=False):
        return total(self, x, axis, keepdims, mean=True)

    backend = type("RoundingOracle", (noisy,), {"sum": sum, "mean": mean})()
    backend.seed(0)
    return backend


def _loss_of_a_sum(a, axis, keepdims, mean, generator):
    """Sum (or mean) in float32, term by term in a random order, minus the sum in float64."""
    axes = (
        tuple(range(a.ndim))
        if axis is None
        else tuple(n % a.ndim for n in ((axis,) if isinstance(axis, int) else axis))
    )
    kept = [n for n in range(a.ndim) if n not in axes]
    count = int(np.prod([a.shape[n] for n in axes]))
    shape = (
        tuple(1 if n in axes else a.shape[n] for n in range(a.ndim))
        if keepdims
        else tuple(a.shape[n] for n in kept)
    )
    if count < 2 or not a.size:
        return np.zeros(shape)
    rows = a.transpose(*kept, *axes).reshape(*(a.shape[n] for n in kept), count)[
        ..., generator.permutation(count)
    ]
    with np.errstate(all="ignore"):
        lost = np.add.accumulate(rows.astype("float32"), axis=-1)[..., -1].astype(
            "float64"
        ) - rows.sum(-1)
    return np.nan_to_num(
        lost.reshape(shape) / (count if mean else 1), nan=0.0, posinf=0.0, neginf=0.0
    )

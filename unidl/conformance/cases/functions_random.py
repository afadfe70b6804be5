"""Random bits are the same integers everywhere; what is drawn from them agrees to rounding."""

from __future__ import annotations

import numpy as np

from unidl.backend.contract.random import MASK, mix
from unidl.conformance.case import Case, normal

KEYS = ((0, 0), (1, 2), (0xFFFFFFFF, 0xFFFFFFFF), (0x80000000, 0x7FFFFFFF), (123456789, 987654321))


def _against_mix(B, key, shape):
    """Zeros where the bits are those of `mix`, counted word by word on the host's integers."""
    wanted = [mix(mix((i + key[0]) & MASK) ^ key[1]) for i in range(int(np.prod(shape)))]
    return B.subtract(
        B.cast(B.random_bits(key, shape), "int64"),
        B.asarray(np.array(wanted, "int64").reshape(shape)),
    )


BITS = [
    Case("random_bits", f"equals mix, key {key}", lambda B, key=key: _against_mix(B, key, (3, 50)))
    for key in KEYS
]
BITS += [
    Case("random_bits", "scalar", lambda B: B.cast(B.random_bits((5, 7), ()), "int64")),
    Case("random_bits", "empty", lambda B: B.cast(B.random_bits((5, 7), (0, 3)), "int64")),
    Case(
        "random_bits", "the counter wraps around", lambda B: _against_mix(B, (0xFFFFFFFE, 3), (5,))
    ),
    Case(
        "random_bits",
        "many",
        lambda B: B.sum(B.right_shift(B.cast(B.random_bits((1, 9), (70000,)), "int64"), 8)),
    ),
]

DRAWS = [
    case
    for key in KEYS[1:3]
    for case in (
        Case(
            "uniform", f"float32, key {key}", lambda B, key=key: B.uniform(key, (4, 25), "float32")
        ),
        Case(
            "uniform", f"float64, key {key}", lambda B, key=key: B.uniform(key, (4, 25), "float64")
        ),
        Case(
            "normal",
            f"key {key}",
            lambda B, x, key=key: B.multiply(B.normal(key, (4, 25), B.dtype(x)), x),
            {"x": 1.0},
            scale=lambda x: 4.0,
        ),
        *(
            Case(
                "keep_mask",
                f"rate {rate}, key {key}",
                lambda B, key=key, rate=rate: B.keep_mask(key, (4, 25), rate),
            )
            for rate in (0.1, 0.5, 0.8, 0.999, 1e-9)
        ),
    )
]
DROPOUT = [
    Case("dropout", "", lambda B, x: B.dropout(x, (3, 4), 0.3), {"x": normal(5, 8)}, kind="ulp"),
    Case(
        "dropout", "half", lambda B, x: B.dropout(x, (3, 4), 0.5), {"x": normal(5, 8)}, kind="ulp"
    ),
    Case(
        "dropout", "most", lambda B, x: B.dropout(x, (3, 4), 0.8), {"x": normal(5, 8)}, kind="ulp"
    ),
    Case(
        "dropout",
        "noise shape",
        lambda B, x: B.dropout(x, (3, 4), 0.5, (None, 1, None)),
        {"x": normal(3, 4, 5)},
        kind="ulp",
    ),
    Case(
        "dropout",
        "noise shape of sizes",
        lambda B, x: B.dropout(x, (3, 4), 0.5, (3, 4, 1)),
        {"x": normal(3, 4, 5)},
        kind="ulp",
    ),
    Case(
        "dropout",
        "infinities and NaN are dropped",
        lambda B, x: B.dropout(x, (3, 4), 0.5),
        {"x": [np.inf, np.nan] * 6},
        kind="ulp",
        gradients=False,
    ),
]

CASES = [*BITS, *DRAWS, *DROPOUT]

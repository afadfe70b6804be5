"""Judge: is this array what the oracle says?

Shape and dtype must match, NaN and infinities must be in the same places. Then, on what is finite:

float64   max |x - ref| / max |ref| <= 1e-12 (absolutely where ref is all zeros). A wrong formula
          shows at 1e-8 or more. A reference that is zero but for rounding (a sum that cancels by
          symmetry) is judged as the narrower dtypes are.
narrower  max |x - ref| / (u·S) <= the case's budget; u is the unit roundoff of the dtype, S as
          `scales` explains. Results below the smallest normal number may be off by it, since some
          kernels flush them to zero (cases of kind "exact" may not).
"exact", integers and bools: equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FLOAT64_BUDGET = 1e-12

# Unit roundoff and smallest normal number.
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
TINY = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}


@dataclass(frozen=True)
class Verdict:
    error: float
    budget: float
    message: str = ""

    @property
    def passed(self) -> bool:
        return not self.message and self.error <= self.budget


def judge(
    value, reference, scale, dtype, budget, exact=False, scaled=False, found=None, wanted=None
) -> Verdict:
    """`value` of a run in `dtype` against the float64 `reference`; `scaled`: by `scale` in float64
    too.

    `found` is the dtype that the backend's tensor had, for which the host may have no name
    (bfloat16), by default the value's; `wanted` what it should be, by default `dtype`.
    """
    expected_dtype = (wanted or dtype) if reference.dtype == "float64" else str(reference.dtype)
    found = found or str(value.dtype)
    if value.shape != reference.shape:
        return Verdict(np.inf, budget, f"shape {value.shape}, expected {reference.shape}")
    if found != expected_dtype:
        return Verdict(np.inf, budget, f"dtype {found}, expected {expected_dtype}")
    with np.errstate(all="ignore"):
        expected = reference.astype(value.dtype)
        if value.dtype.kind != "f" or exact:
            equal = (value == expected) | (
                (value != value) & (expected != expected)
            )  # NaN equals NaN here
            return Verdict(float(np.count_nonzero(~equal)), 0.0)
        finite = np.isfinite(expected)
        if not np.array_equal(value[~finite], expected[~finite], equal_nan=True):
            return Verdict(
                np.inf,
                budget,
                f"NaN or infinities differ: {_sample(value[~finite])}, expected "
                f"{_sample(expected[~finite])}",
            )
        if not np.isfinite(value[finite]).all():
            return Verdict(
                np.inf,
                budget,
                f"not finite: {_sample(value[finite])}, expected {_sample(expected[finite])}",
            )
        difference = np.abs(value[finite].astype("float64") - reference[finite])
        if difference.size == 0:
            return Verdict(0.0, budget)
        top = np.abs(reference[finite]).max()
        only_rounding = (
            0 < top <= FLOAT64_BUDGET * np.max(scale, initial=0.0, where=np.isfinite(scale))
        )
        if dtype == "float64" and not (scaled or only_rounding):
            return Verdict(float(difference.max() / (top or 1.0)), FLOAT64_BUDGET)
        fair = np.nan_to_num(np.broadcast_to(scale, reference.shape)[finite], nan=0.0, posinf=0.0)
        fair = np.maximum(fair, TINY[dtype] / UNIT[dtype] / budget)
        return Verdict(float((difference / (UNIT[dtype] * fair)).max()), budget)


def _sample(a):
    return np.array2string(a.ravel()[:4], precision=6)

"""Judge: is this array what the oracle says?

Shape and dtype must match, NaN and infinities must be in the same places. Then, on what is finite:

float64   max |x - ref| / max |ref| <= 1e-12 (absolutely where ref is all zeros). A wrong formula shows at 1e-8 or more.
          A reference that is zero but for rounding (a sum that cancels by symmetry) is judged as the narrower dtypes are.
narrower  max |x - ref| / (u·S) <= the case's budget; S as `scales` explains. Results below the smallest normal number may
          be off by it, since some kernels flush them to zero (cases of kind "exact" may not).
"exact", integers and bools: equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FLOAT64_BUDGET = 1e-12


@dataclass(frozen=True)
class Verdict:
    error: float
    budget: float
    message: str = ""

    @property
    def passed(self) -> bool:
        return not self.message and self.error <= self.budget


def judge(value, reference, scale, dtype, budget, exact=False, scaled=False) -> Verdict:
    """`value` of a run in `dtype` against the float64 `reference`; `scaled`: by `scale` in float64 too."""
    expected_dtype = dtype if reference.dtype == "float64" else str(reference.dtype)
    if value.shape != reference.shape:
        return Verdict(np.inf, budget, f"shape {value.shape}, expected {reference.shape}")
    if str(value.dtype) != expected_dtype:
        return Verdict(np.inf, budget, f"dtype {value.dtype}, expected {expected_dtype}")
    with np.errstate(all="ignore"):
        expected = reference.astype(value.dtype)
        if value.dtype.kind != "f" or exact:
            equal = (value == expected) | ((value != value) & (expected != expected))  # NaN equals NaN here
            return Verdict(float(np.count_nonzero(~equal)), 0.0)
        finite = np.isfinite(expected)
        if not np.array_equal(value[~finite], expected[~finite], equal_nan=True):
            return Verdict(np.inf, budget, f"NaN or infinities differ: {_sample(value[~finite])}, expected {_sample(expected[~finite])}")
        if not np.isfinite(value[finite]).all():
            return Verdict(np.inf, budget, f"not finite: {_sample(value[finite])}, expected {_sample(expected[finite])}")
        difference = np.abs(value[finite].astype("float64") - reference[finite])
        if difference.size == 0:
            return Verdict(0.0, budget)
        top = np.abs(reference[finite]).max()
        only_rounding = 0 < top <= FLOAT64_BUDGET * np.max(scale, initial=0.0, where=np.isfinite(scale))
        if dtype == "float64" and not (scaled or only_rounding):
            return Verdict(float(difference.max() / (top or 1.0)), FLOAT64_BUDGET)
        info = np.finfo(value.dtype)
        unit = info.eps / 2
        fair = np.nan_to_num(np.broadcast_to(scale, reference.shape)[finite], nan=0.0, posinf=0.0)
        fair = np.maximum(fair, float(info.tiny) / unit / budget)
        return Verdict(float((difference / (unit * fair)).max()), budget)


def _sample(a):
    return np.array2string(a.ravel()[:4], precision=6)

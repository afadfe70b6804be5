"""Evaluations beside each other: errors, and whether they are within their budgets."""

from __future__ import annotations

import numpy as np

from unidl.conformance.engine import evaluate
from unidl.conformance.judge import judge
from unidl.verify.trajectory import BUDGET

# Simulating rounding takes most of the time. S only grows with the draws, so what passes by a few
# needs no more.
DRAWS = (4, 8, None)


def again_on(case, backend, seeds):
    """The function that `scales.noise` calls for each draw."""

    def again(arrays, cotangents, noise):
        if seeds:
            backend.seed(noise)
        return evaluate(backend, case, arrays, cotangents or None)

    return again


def flat(evaluation):
    return [*evaluation.outputs, *evaluation.gradients.values()]


def verdicts(got, truth, scales, dtype, names, scaled=False):
    """The fields of a Record for each output and gradient; `scaled`: float64 too is judged by its
    condition."""
    if len(got.outputs) != len(truth.outputs):
        text = f"{len(got.outputs)} outputs, expected {len(truth.outputs)}"
        return [
            {"what": "outputs", "error": np.inf, "budget": 0.0, "within": False, "message": text}
        ]
    rows = list(zip(names, got.outputs, truth.outputs, scales.outputs, strict=True))
    rows += [
        (f"gradient of {n}", got.gradients[n], truth.gradients[n], scales.gradients[n])
        for n in truth.gradients
    ]
    found = []
    for what, value, ref, scale in rows:
        verdict = judge(value, ref, scale, dtype, BUDGET, scaled=scaled)
        zeros = (
            not verdict.passed and value.shape == ref.shape and not np.any(value) and np.any(ref)
        )
        figures = {"error": verdict.error, "budget": verdict.budget, "within": verdict.passed}
        found.append({"what": what, "message": "all zeros" if zeros else verdict.message} | figures)
    return found


def largest(value, ref):
    """max |value - ref|; infinite where only one of them is finite."""
    if value.shape != ref.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        same = (value == ref) | (np.isnan(value) & np.isnan(ref))
        difference = np.abs(value.astype("float64") - ref)
    return float(np.max(np.nan_to_num(np.where(same, 0.0, difference), nan=np.inf), initial=0.0))

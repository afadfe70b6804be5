"""What a difference of one layer looks like: tried out, never guessed from its size."""

from __future__ import annotations

import numpy as np

from unidl.conformance.oracle import noisy_oracle, oracle
from unidl.verify.call_case import CallCase
from unidl.verify.figures import share
from unidl.verify.measure import verdicts
from unidl.verify.snapshot import placed

_TINY = 2.0**-30  # a change that float64 sees, and float32 (one part in 2**24) does not
_LOST = 0.02  # share of the response to that change which has to be wrong
_NOT_LARGER = 1e-5  # relative errors of rounding to float32, amplified

RANDOM = " It is not deterministic there: two runs with the same inputs and random state differ."
AMONG_THEMSELVES = (
    " They agree among themselves and all differ from the reference in the same way: suspect the "
    "reference."
)
NARROW = (
    " It ignores changes of its inputs that float64 can represent and float32 cannot: look for "
    "something inside that computes in float32."
)


def what_it_looks_like(job, call, records) -> str:
    """A sentence about the differences of `call` in float64, empty if nothing is known of them."""
    failed = [r for r in records if r.failed and np.isfinite(r.error)]
    wide = [r for r in failed if r.dtype == "float64" and r.layer not in job.only_home]
    if not failed:
        return ""
    case = CallCase(call, job.snapshot)
    worst = max(wide or failed, key=share)
    reference = job.home if call.label in job.only_home else oracle()
    with placed(job.snapshot, reference, "float64"):
        case.find_truth(reference)
    target = next(t for t in job.targets if t.label == worst.target)
    got, again = (_run(job, case, target, worst.dtype) for _ in range(2))
    if _differ(case, got, again):
        return RANDOM
    if not wide:
        return ""
    if _agree_without_the_reference(job, case, wide):
        return AMONG_THEMSELVES
    if worst.error < _NOT_LARGER and _ignores_what_float32_has_not(job, case, target, worst.what):
        return NARROW
    return ""


def _run(job, case, target, dtype="float64"):
    with placed(job.snapshot, target.backend, dtype, target.device):
        return case.run(target.backend, dtype)


def _differ(case, first, second):
    pairs = zip(case.labelled(first).values(), case.labelled(second).values(), strict=True)
    return any(not np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _agree_without_the_reference(job, case, failed):
    """Whether all backends that share no code with it differ from it, and not from each other."""
    own = [t for t in job.targets if not isinstance(oracle(), type(t.backend))]
    names = {r.target for r in failed}
    differing = [t for t in job.targets if t.label in names]
    if len({t.backend.name for t in differing}) < 2 or any(t.label not in names for t in own):
        return False
    found = [_run(job, case, target) for target in differing]
    with placed(job.snapshot, noisy_oracle(), "float64"):
        case.find_scales(noisy_oracle(), True, 4)
    return all(
        verdict["within"]
        for other in found[1:]
        for verdict in verdicts(other, found[0], case.scales, "float64", case.names)
    )


def _ignores_what_float32_has_not(job, case, target, what):
    """Whether the result follows a change of all inputs by less than float32 can hold otherwise
    than the reference does.

    A wrong formula follows such a change nearly as the right one does. What went through float32
    does not move at all, or jumps by a unit in the last place.
    """
    moved = CallCase(case.call, job.snapshot)
    moved.names, generator = case.names, np.random.default_rng(0)

    def change(a):
        if a is None or a.dtype.kind != "f":
            return a
        return a * (1 + _TINY * generator.choice((-1.0, 1.0), a.shape))

    moved.arrays = {n: change(a) for n, a in case.arrays.items()}
    moved.cotangents = case.cotangents and [change(c) for c in case.cotangents]

    def response(run):
        before, after = (c.labelled(run(c))[what] for c in (case, moved))
        return after.astype("float64") - before

    with placed(job.snapshot, oracle(), "float64"):
        right = response(lambda c: c.run(oracle(), "float64"))
    found = response(lambda c: _run(job, c, target))
    size = np.linalg.norm(right)
    return bool(size) and np.linalg.norm(found - right) > _LOST * size

"""The second round: the loss, the outputs and all gradients of the whole model."""

from __future__ import annotations

import numpy as np

from unidl.conformance.engine import evaluate
from unidl.conformance.judge import FLOAT64_BUDGET
from unidl.conformance.oracle import U32, U64
from unidl.conformance.scales import noise
from unidl.verify.at_home import RoundedAtHome
from unidl.verify.figures import share
from unidl.verify.foreign import runs_elsewhere
from unidl.verify.measure import DRAWS, flat, largest, verdicts
from unidl.verify.report import Record, cannot_run, not_compared
from unidl.verify.snapshot import placed
from unidl.verify.trajectory import BUDGET, FLOOR, OTHERS
from unidl.verify.wording import amount, one_line

_COMMON = {"layer": "", "kind": "model", "stage": "model", "mode": "training"}


def check_model(job):
    """Add the records, and what is wrong between the layers or behind them, to the job."""
    whole, arrays = job.whole, job.whole.arrays
    with job.on_reference():
        outputs = evaluate(job.reference, whole, arrays).outputs
        cotangents = [np.ones(())] + [None] * (len(outputs) - 1)
        cotangents = (
            cotangents
            if job.model.trainable_variables or any(a.dtype.kind == "f" for a in arrays.values())
            else None
        )
        truth = evaluate(job.reference, whole, arrays, cotangents)
    found = {}
    for target in job.targets:
        for dtype in job.dtypes:
            here = _COMMON | {"target": target.label, "dtype": dtype}
            why_not = job.why_not_whole(target, dtype)
            if why_not:
                job.records.append(not_compared(here, why_not))
                continue
            got = _evaluate_whole(job, target, dtype, cotangents, here)
            if got is not None:
                found[target.label, dtype] = got
    names = (
        ["loss", *(f"output {i}" for i in range(len(outputs) - 1))]
        if len(outputs) > 2
        else ["loss", "output"]
    )
    for draws in DRAWS:
        with job.on_reference(noisy=True):
            scales = noise(_again(job), arrays, cotangents or [], truth, draws)
        records = _judged(found, truth, scales, names)
        if not any(r.failed for r in records):
            break
    for record in records:
        record.alone = job.reference is job.home
    job.records += records
    failed = [r for r in job.records if r.stage == "model" and r.failed]
    if failed and job.first is None:
        _say_where_the_model_differs(job, failed)


def _again(job):
    """The function that `scales.noise` calls for each draw."""

    def again(arrays, cotangents, noise):
        jitter = job.simulate_rounding(noise)
        whole = job.whole if jitter is None else RoundedAtHome(job.whole, jitter)
        return evaluate(job.noisy_backend(), whole, arrays, cotangents or None)

    return again


def _evaluate_whole(job, target, dtype, cotangents, here):
    """The model's evaluation, run twice; None with a record where it cannot run."""
    arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in job.whole.arrays.items()}
    weights = cotangents and [None if c is None else c.astype(dtype) for c in cotangents]
    with placed(job.snapshot, target.backend, dtype, target.device):
        try:
            got, again = (evaluate(target.backend, job.whole, arrays, weights) for _ in range(2))
        except Exception as error:  # noqa: BLE001 - reported as a failure of this backend
            job.records.append(
                not_compared(here, f"does not run here: {one_line(error)}")
                if runs_elsewhere(error, target.backend)
                else cannot_run(here, f"cannot run: {one_line(error)}")
            )
            return None
        changed = [
            a
            for a, b in zip(flat(got), flat(again), strict=True)
            if not np.array_equal(a, b, equal_nan=True)
        ]
        if changed and dtype == "float64":
            _say_what_is_random(job, target)
    return got


def _say_what_is_random(job, target):
    """Two runs from one state differ: name the first layer that gives two results for one input."""
    first, second = (job.whole.run(target.backend) for _ in range(2))
    culprit = next(
        (
            a
            for a, b in zip(first, second, strict=True)
            if _same(a.arrays, b.arrays) and not _same(a.outputs, b.outputs)
        ),
        None,
    )
    if culprit is None:
        job.note_once(
            f"not deterministic on {target.label}: two runs from the same state differ in a "
            "gradient"
        )
        return
    job.problems.append(
        f"{culprit.label} ({culprit.kind}) is not deterministic: two runs on {target.label} with "
        "the same inputs and random state "
        f"give different outputs. Draw random numbers with unidl.random and a SeedGenerator."
    )


def _judged(found, truth, scales, names):
    """The records of all evaluations {(target, dtype): Evaluation}."""
    sizes = _sizes(truth, scales)
    records = []
    for (target, dtype), got in found.items():
        if dtype == "float64":
            plain, scaled = (verdicts(got, truth, scales, dtype, names, s) for s in (False, True))
            for verdict, other, size in zip(plain, scaled, sizes, strict=True):
                _make_relative(verdict, size)
                explained = not verdict["within"] and other["within"]
                records.append(
                    Record(**_COMMON, target=target, dtype=dtype, **verdict, explained=explained)
                )
    narrow = {target: got for (target, dtype), got in found.items() if dtype != "float64"}
    return records + _compared_with_others(narrow, truth, scales, names, sizes)


def _compared_with_others(narrow, truth, scales, names, sizes):
    """float32: each target's errors against the median of the others'."""
    labels = [*names, *(f"gradient of {n}" for n in truth.gradients)]
    refs, fair = flat(truth), flat(scales)
    errors = {
        t: [largest(value, ref) for value, ref in zip(flat(got), refs, strict=True)]
        for t, got in narrow.items()
    }
    records = []
    for target, own in errors.items():
        for i, (label, ref, s) in enumerate(zip(labels, refs, fair, strict=True)):
            if ref.dtype.kind != "f":
                continue
            others = [other[i] for name, other in errors.items() if name != target]
            allowed = OTHERS * float(np.median(others)) if others else 0.0
            allowed += FLOOR * U32 * float(np.max(s, initial=0.0))
            figures = {
                "error": own[i] / sizes[i][0],
                "budget": allowed / sizes[i][0],
                "within": own[i] <= allowed,
            }
            records.append(Record(**_COMMON, target=target, dtype="float32", what=label, **figures))
    return records


def _sizes(truth, scales):
    """For each array (what its errors are relative to, its largest S).

    A gradient that is zero but for rounding (of a bias before a normalization, say) is measured by
    the model's largest one.
    """
    found = []
    gradients = max((_top(g) for g in truth.gradients.values()), default=0.0)
    for ref, scale in zip(flat(truth), flat(scales), strict=True):
        fair = float(np.max(scale, initial=0.0)) if ref.dtype.kind == "f" else 0.0
        top = _top(ref)
        found.append(((top if top > FLOAT64_BUDGET * fair else max(gradients, top)) or 1.0, fair))
    return found


def _top(a):
    return float(np.max(np.abs(a), initial=0.0)) if a.dtype.kind == "f" else 0.0


def _make_relative(verdict, size):
    """A float64 error that `judge` gave in scaled roundings, since its reference is nothing but
    rounding, as the others are."""
    top, fair = size
    if verdict["budget"] == BUDGET:
        verdict["error"], verdict["budget"] = (
            verdict[n] * U64 * fair / top for n in ("error", "budget")
        )


def _say_where_the_model_differs(job, failed):
    """All layers are equal and the model is not: look at what lies between them, or in the loss."""
    worst = max(failed, key=lambda r: (r.dtype == "float64", share(r)))
    if worst.message.startswith("cannot run"):
        job.problems.append(
            f"The model does not run on {worst.target}: "
            f"{worst.message.removeprefix('cannot run: ')}"
        )
    elif worst.dtype != "float64":
        job.problems.append(
            f"The model's {worst.what} on {worst.target} loses more digits in {worst.dtype} than "
            "rounding and the other backends "
            f"explain ({amount(worst)}). float64 agrees, and each layer by itself is within its "
            "budget."
        )
    else:
        target = next(t for t in job.targets if t.label == worst.target)
        text = (
            f"Each layer is equal by itself, but the model's {worst.what} on {worst.target} is not "
            f"({amount(worst)})."
        )
        job.problems.append(f"{text} {_where(job, target)}")


def _where(job, target):
    """Follow the forward pass: the first call whose inputs or outputs are not the reference's."""
    ours = job.calls_on(job.reference, ())
    with placed(job.snapshot, target.backend, "float64", target.device):
        theirs = job.whole.run(target.backend)
    before = "the input"
    for a, b in zip(ours, theirs, strict=False):
        if _differ(b.arrays, a.arrays):
            return (
                f"It parts between {before} and {a.label}: look at the functions that call() uses "
                "there."
            )
        if _differ(b.outputs, a.outputs):
            return (
                f"It parts in {a.label}, on inputs with full float64 precision: does something "
                "there round them to float32?"
            )
        before = a.label
    return (
        f"It is not between the layers: look after {before}, at the loss, or at stopped gradients."
    )


def _differ(arrays, refs):
    return any(
        largest(v, ref) > 1e-11 * (_top(ref) or 1.0) for v, ref in zip(arrays, refs, strict=True)
    )


def _same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(first, second, strict=True)
    )

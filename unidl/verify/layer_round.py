"""The first round: each call of a layer by itself, on every target."""

from __future__ import annotations

from unidl.conformance.oracle import noisy_oracle, oracle
from unidl.verify.call_case import CallCase
from unidl.verify.diagnosis import what_it_looks_like
from unidl.verify.figures import share
from unidl.verify.foreign import runs_elsewhere
from unidl.verify.measure import DRAWS, verdicts
from unidl.verify.report import Record, cannot_run, not_compared
from unidl.verify.rounding import rounding_oracle
from unidl.verify.snapshot import placed
from unidl.verify.wording import amount, one_line, sentence

_MOST_CALLS = 2  # of one layer inside another, such as a cell that is called for every moment


def compare_calls(job, calls) -> list[Record]:
    """Records of every call on every target."""
    cases = _with_truths(job, calls)
    found: dict[tuple, Record] = {}
    doubtful = cases
    for draws in DRAWS:
        _find_scales(job, doubtful, noisy_oracle(), draws)
        found |= {_identity(r): r for r in _on_all_targets(job, doubtful)}
        beyond = {r.layer for r in found.values() if r.failed}
        doubtful = [case for case in doubtful if case.call.label in beyond]
    suspects = [case for case in doubtful if case.call.label not in job.only_home]
    if suspects:
        # Only now what is simulated at length, see `rounding`.
        _find_scales(job, suspects, rounding_oracle())
        within = {_identity(r) for r in _on_all_targets(job, suspects, scaled=True) if r.within}
        for record in found.values():
            record.explained = not record.within and _identity(record) in within
    return list(found.values())


def _with_truths(job, calls):
    """The cases whose truth could be found; why the others could not is told to the job."""
    cases = [CallCase(call, job.snapshot) for call in calls]
    with placed(job.snapshot, oracle(), "float64"):
        for case in cases:
            _find_truth(job, case, oracle())
    with placed(job.snapshot, job.home, "float64"):
        for case in cases:
            if case.call.label in job.only_home:
                _find_truth(job, case, job.home)
    return [case for case in cases if case.truth is not None]


def _find_truth(job, case, backend):
    label = case.call.label
    try:
        case.find_truth(backend)
    except Exception as error:  # noqa: BLE001 - reported: nothing can be compared with it
        if backend is oracle() and job.reference is job.home and runs_elsewhere(error, backend):
            job.only_home[label] = one_line(error)
        else:
            job.fail(f"{label} ({case.call.kind}) by itself on the reference", error)


def _find_scales(job, cases, noisy, draws=None):
    """By `noisy`; of what runs only at home by moving its inputs there."""
    for backend in (noisy, job.home):
        here = [
            case for case in cases if (case.call.label in job.only_home) == (backend is job.home)
        ]
        if here:
            with placed(job.snapshot, backend, "float64"):
                for case in here:
                    case.find_scales(backend, backend is noisy, draws)


def _identity(record):
    return record.layer, record.target, record.mode, record.dtype, record.what


def _on_all_targets(job, cases, scaled=False):
    found = []
    for target in job.targets:
        for dtype in job.dtypes:
            with placed(job.snapshot, target.backend, dtype, target.device):
                for case in cases:
                    found += _compare_call(job, case, target, dtype, scaled)
    return found


def _compare_call(job, case, target, dtype, scaled):
    call = case.call
    common = {
        "layer": call.label,
        "kind": call.kind,
        "stage": "layer",
        "target": target.label,
        "dtype": dtype,
        "mode": "training" if call.training else "inference",
    }
    alone = call.label in job.only_home
    if alone and target.backend.name != job.home.name:
        return [not_compared(common, f"runs only on {job.home.name}")]
    if alone and job.is_its_own_reference(target, dtype):
        return [not_compared(common, f"{target.label} in float64 is the reference itself")]
    try:
        got = case.run(target.backend, dtype)
    except Exception as error:  # noqa: BLE001 - reported as a failure of this layer here
        if runs_elsewhere(error, target.backend):
            return [not_compared(common, f"does not run here: {one_line(error)}")]
        return [cannot_run(common, f"cannot run: {one_line(error)}")]
    return [
        Record(**common, **verdict, alone=alone)
        for verdict in verdicts(got, case.truth, case.scales, dtype, case.names, scaled)
    ]


def first_difference(job, calls) -> str | None:
    """The first call in the order of execution whose excess rounding does not explain, in a
    sentence."""
    order = {label: i for i, label in reversed(list(enumerate(c.label for c in calls)))}
    _note_what_rounding_explains(job)
    failed = [r for r in job.records if r.failed]
    if not failed:
        return None
    label = min((r.layer for r in failed), key=order.__getitem__)
    records = [r for r in job.records if r.layer == label]
    call = next(c for c in calls if c.label == label)
    text = sentence(label, records, what_it_looks_like(job, call, records))
    parts = getattr(call.layer, "_layers", [])
    return text + (_look_inside(job, call.layer) if parts and label not in job.only_home else "")


def _note_what_rounding_explains(job):
    differ = {r.layer for r in job.records if r.failed}
    explained = [r for r in job.records if r.explained and r.layer not in differ]
    for label in dict.fromkeys(r.layer for r in explained):
        rows = [r for r in explained if r.layer == label]
        what, where, worst = (
            dict.fromkeys(r.what for r in rows),
            dict.fromkeys(r.target for r in rows),
            max(rows, key=share),
        )
        job.notes.append(
            f"{label} ({worst.kind}) exceeds its budget on {', '.join(where)}, as rounding "
            f"explains: {', '.join(what)}; "
            f"at most {amount(worst)} in {worst.dtype}"
        )


def _look_inside(job, layer):
    """Which of the layers inside `layer` differ, in a sentence; they are compared like the
    others."""
    inner = [
        c
        for c in job.calls_on(job.reference, (layer,))
        if any(c.layer is part for part in layer._flatten_layers()[1:])
    ]
    few = [
        c
        for i, c in enumerate(inner)
        if sum(other.layer is c.layer for other in inner[:i]) < _MOST_CALLS
    ]
    failed = [r for r in compare_calls(job, few) if r.failed]
    if not failed:
        return " The layers inside it are equal, so it is in its own call()." if few else ""
    label = failed[0].layer
    return f" Inside it: {sentence(label, [r for r in failed if r.layer == label])}"

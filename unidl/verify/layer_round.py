"""The first round: each call of a layer by itself, on every target."""

from __future__ import annotations

import numpy as np

from unidl.conformance.engine import evaluate
from unidl.conformance.judge import FLOAT64_BUDGET
from unidl.conformance.oracle import noisy_oracle, oracle
from unidl.conformance.scales import noise
from unidl.verify.calls import Replay
from unidl.verify.figures import share
from unidl.verify.measure import DRAWS, again_on, verdicts
from unidl.verify.report import Record
from unidl.verify.rounding import rounding_oracle
from unidl.verify.snapshot import placed
from unidl.verify.trajectory import BUDGET
from unidl.verify.wording import amount, one_line, sentence

_MOST_CALLS = 2  # of one layer inside another, such as a cell that is called for every moment


def compare_calls(job, calls) -> list[Record]:
    """Records of every call on every target."""
    cases = [_LayerCase(Replay(call, job.snapshot), call) for call in calls]
    with placed(job.snapshot, oracle(), "float64"):
        for case in cases:
            try:
                case.find_truth(oracle())
            except Exception as error:
                if job.reference is oracle():
                    raise
                job.only_home[case.call.label] = one_line(error)
    for case in (case for case in cases if case.truth is None):
        with placed(job.snapshot, job.home, "float64"):
            case.find_truth(job.home)
    found: dict[tuple, Record] = {}
    doubtful = cases
    for draws in DRAWS:
        _find_scales(job, doubtful, noisy_oracle(), draws)
        found |= {_identity(r): r for r in _on_all_targets(job, doubtful)}
        beyond = {r.layer for r in found.values() if not r.within and not r.skipped}
        doubtful = [case for case in doubtful if case.call.label in beyond]
    suspects = [case for case in doubtful if case.call.label not in job.only_home]
    if suspects:
        # Only now what is simulated at length, see `rounding`.
        _find_scales(job, suspects, rounding_oracle())
        within = {_identity(r) for r in _on_all_targets(job, suspects, scaled=True) if r.within}
        for record in found.values():
            record.explained = not record.within and _identity(record) in within
    return list(found.values())


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
    }
    common["mode"] = "training" if call.training else "inference"
    if call.label in job.only_home and target.backend.name != job.home.name:
        text = f"runs only on {job.home.name}"
        return [
            Record(
                **common,
                what="call",
                error=0.0,
                budget=0.0,
                within=False,
                skipped=True,
                message=text,
            )
        ]
    budget = FLOAT64_BUDGET if dtype == "float64" else BUDGET
    try:
        got = evaluate(target.backend, case.replay, *case.given(dtype))
    except Exception as error:  # noqa: BLE001 - reported as a failure of this layer here
        return [
            Record(
                **common,
                what="call",
                error=np.inf,
                budget=budget,
                within=False,
                message=f"cannot run: {one_line(error)}",
            )
        ]
    return [
        Record(**common, **verdict)
        for verdict in verdicts(got, case.truth, case.scales, dtype, case.names, scaled)
    ]


def first_difference(job, calls) -> str | None:
    """The first call in the order of execution whose excess rounding does not explain, in a sentence."""
    order = {label: i for i, label in reversed(list(enumerate(c.label for c in calls)))}
    _note_what_rounding_explains(job)
    failed = [r for r in job.records if not r.passed]
    if not failed:
        return None
    label = min((r.layer for r in failed), key=order.__getitem__)
    text = sentence(label, [r for r in job.records if r.layer == label])
    call = next(c for c in calls if c.label == label)
    parts = getattr(call.layer, "_layers", [])
    return text + (_look_inside(job, call.layer) if parts and label not in job.only_home else "")


def _note_what_rounding_explains(job):
    differ = {r.layer for r in job.records if not r.passed}
    explained = [r for r in job.records if r.explained and r.layer not in differ]
    for label in dict.fromkeys(r.layer for r in explained):
        rows = [r for r in explained if r.layer == label]
        what, where, worst = (
            dict.fromkeys(r.what for r in rows),
            dict.fromkeys(r.target for r in rows),
            max(rows, key=share),
        )
        job.notes.append(
            f"{label} ({worst.kind}) exceeds its budget on {', '.join(where)}, as rounding explains: {', '.join(what)}; "
            f"at most {amount(worst)} in {worst.dtype}"
        )


def _look_inside(job, layer):
    """Which of the layers inside `layer` differ, in a sentence; they are compared like the others."""
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
    failed = [r for r in compare_calls(job, few) if not r.passed]
    if not failed:
        return " The layers inside it are equal, so it is in its own call()." if few else ""
    return f" Inside it: {sentence(failed[0].layer, [r for r in failed if r.layer == failed[0].layer])}"


class _LayerCase:
    """A call to be compared: its arrays, and once they are found truth and scales."""

    def __init__(self, replay, call):
        self.replay, self.call = replay, call
        self.arrays = replay.arrays
        self.truth = self.scales = self.cotangents = None
        self.names: list[str] = []

    def find_truth(self, backend):
        outputs = evaluate(backend, self.replay, self.arrays).outputs
        generator = np.random.default_rng(len(outputs))
        drawn = [
            generator.normal(size=o.shape).astype("float32").astype("float64")
            if o.dtype == "float64"
            else None
            for o in outputs
        ]
        kept = self.replay.kept  # what the layer assigns has no gradient
        drawn[len(drawn) - len(kept) :] = [None] * len(kept)
        differentiable = (
            any(c is not None for c in drawn)
            and self.replay.prepare(backend, self.arrays).variables
        )
        self.cotangents = drawn if differentiable else None
        self.truth = evaluate(backend, self.replay, self.arrays, self.cotangents)
        made = len(self.call.outputs)
        self.names = ["output"] if made == 1 else [f"output {i}" for i in range(made)]
        self.names += ["added loss"] * (len(outputs) - made - len(kept)) + [
            f"new {n}" for n in kept
        ]

    def find_scales(self, backend, seeds, draws):
        self.scales = noise(
            again_on(self.replay, backend, seeds),
            self.arrays,
            self.cotangents or [],
            self.truth,
            draws,
        )

    def given(self, dtype):
        """(arrays, cotangents) in `dtype`."""
        arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in self.arrays.items()}
        return arrays, self.cotangents and [
            None if c is None else c.astype(dtype) for c in self.cotangents
        ]

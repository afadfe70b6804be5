"""The third round: some steps of training with the model's own loss and optimizer, compiled as each backend compiles them."""

from __future__ import annotations

import numpy as np

from unidl.conformance.oracle import U32
from unidl.verify import trajectory
from unidl.verify.report import Record, not_here
from unidl.verify.rounding import rounding_oracle
from unidl.verify.snapshot import placed
from unidl.verify.wording import amount, one_line

NOISY_RUNS = 2


def check_training(job) -> dict:
    """Add the records, and where training parts, to the job; returns the curves of the plot."""
    with job.on_reference():
        truth = trajectory.train(job.model, job.setup, job.steps, eagerly=True)
    runs = {}
    for target in job.targets:
        for dtype in job.dtypes:
            here = {
                "layer": "",
                "kind": "training",
                "stage": "training",
                "mode": "training",
                "target": target.label,
                "dtype": dtype,
            }
            if not job.runs_here(target):
                job.records.append(not_here(here, job.home))
                continue
            with placed(job.snapshot, target.backend, dtype, target.device):
                try:
                    runs[target.label, dtype] = trajectory.train(job.model, job.setup, job.steps)
                except Exception as error:  # noqa: BLE001 - reported as a failure of this backend
                    text = f"cannot train: {one_line(error)}"
                    job.records.append(
                        Record(
                            **here,
                            what="step 1",
                            error=np.inf,
                            budget=0.0,
                            within=False,
                            message=text,
                        )
                    )
                    job.problems.append(f"{target.label} {text}")
    job.records += _judged(job, runs, truth)
    _say_where_training_parts(job)
    return trajectory.curves(runs, truth)


def _judged(job, runs, truth):
    """Records of the runs, with as many runs of simulated rounding as these need: their scatter, and so the budget, only grows."""
    noisy = []
    while True:
        records = trajectory.judge_runs(runs, truth, trajectory.scatter(noisy, truth))
        if len(noisy) == NOISY_RUNS or all(r.passed for r in records):
            return records
        noisy.append(_noisy_run(job, len(noisy)))


def _noisy_run(job, seed):
    """A run of the reference with simulated rounding of float32."""
    with job.on_reference(noisy=True):
        jitter = None
        if job.reference is job.home:
            jitter = np.random.default_rng(seed), U32
        else:
            rounding_oracle().seed(seed)
        return trajectory.train(job.model, job.setup, job.steps, eagerly=True, jitter=jitter)


def _say_where_training_parts(job):
    failed = [
        r
        for r in job.records
        if r.stage == "training" and not r.passed and not r.message.startswith("cannot")
    ]
    if not failed:
        return
    equal_before = all(r.passed for r in job.records if r.stage in ("layer", "model"))
    for target in dict.fromkeys(r.target for r in failed):
        worst = min(
            (r for r in failed if r.target == target),
            key=lambda r: (r.dtype != "float64", int(r.what.split(",")[0].split()[1])),
        )
        text = f"Training on {target} parts in {worst.dtype} at {worst.what}: {amount(worst)}."
        if equal_before and "weight" in worst.what:
            text += f" Layers, loss and gradients are equal, so it is the update of {job.setup.optimizer} or the compiled step."
        elif job.first is not None:
            text += " That follows."
        job.problems.append(text)
        if job.first is None and equal_before:
            job.first = text

"""The third round: some steps of training with the model's own loss and optimizer, compiled as each
backend compiles them."""

from __future__ import annotations

from unidl.training import own_steps
from unidl.verify import trajectory
from unidl.verify.at_home import rounding_layers
from unidl.verify.foreign import runs_elsewhere
from unidl.verify.report import cannot_run, not_compared
from unidl.verify.single_steps import first_parting, steps_of
from unidl.verify.snapshot import placed
from unidl.verify.wording import amount, one_line

NOISY_RUNS = 2


def check_training(job) -> dict:
    """Add the records, and where training parts, to the job; returns the curves of the plot."""
    if own_steps.trains_by_itself(job.model):
        job.failures.append("The model has a custom training step, which was not compared.")
        return {}
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
            why_not = job.why_not_whole(target, dtype)
            if why_not:
                job.records.append(not_compared(here, why_not))
                continue
            with placed(job.snapshot, target.backend, dtype, target.device):
                try:
                    runs[target.label, dtype] = trajectory.train(job.model, job.setup, job.steps)
                except Exception as error:  # noqa: BLE001 - reported as a failure of this backend
                    if runs_elsewhere(error, target.backend):
                        text = f"does not train here: {one_line(error)}"
                        job.records.append(not_compared(here, text))
                        continue
                    text = f"cannot train: {one_line(error)}"
                    job.records.append(cannot_run(here, text))
                    job.problems.append(f"{target.label} {text}")
    records, scale = _judged(job, runs, truth)
    for record in records:
        record.alone = job.reference is job.home
    job.records += records
    _say_where_training_parts(job, records)
    return trajectory.curves(runs, truth, scale)


def _judged(job, runs, truth):
    """(records, scatter) of the runs, with as many noisy runs as these need: budgets only grow."""
    noisy = []
    while True:
        scale = trajectory.scatter(noisy, truth)
        records = trajectory.judge_runs(runs, truth, scale)
        if len(noisy) == NOISY_RUNS or not any(r.failed for r in records):
            return records, scale
        noisy.append(_noisy_run(job, len(noisy)))


def _noisy_run(job, seed):
    """A run of the reference with simulated rounding of float32."""
    with job.on_reference(noisy=True):
        jitter = job.simulate_rounding(seed)
        with rounding_layers(job.model, jitter):
            return trajectory.train(job.model, job.setup, job.steps, eagerly=True, jitter=jitter)


def _say_where_training_parts(job, records):
    equal_before = not any(r.failed for r in job.records if r.stage in ("layer", "model"))
    for target in job.targets:
        failed = [r for r in records if r.target == target.label and r.failed]
        for dtype in ("float64", "float32"):
            own = [r for r in failed if r.dtype == dtype]
            if own and _is_told(job, target, own, equal_before):
                break  # what parts in float64 parts in float32 too


def _is_told(job, target, own, equal_before):
    """Say where the runs of these records part; False if rounding explains them."""
    dtype = own[0].dtype
    steps = steps_of(job, target, dtype)
    parting = first_parting(job, steps, dtype)
    if parting is None:
        _explain(job, own)
        return False
    if dtype == "float32":  # in float64 the run itself shows it more sharply
        for record in own:
            record.what, record.error, record.budget = parting.what, parting.error, parting.budget
    worst = min(own, key=_step)
    text = f"Training on {target.label} parts in {dtype} at {worst.what}: {amount(worst)}."
    if equal_before:
        text += f" {_where(job, target, worst, steps)}"
    elif job.first is not None:
        text += " That follows."
    job.problems.append(text)
    if job.first is None and equal_before:
        job.first = text
    return True


def _where(job, target, worst, steps):
    """What makes a step other than the reference's, in a sentence."""
    step = _step(worst) - 1
    layer = job.look_again(target, steps.states[step], step)
    return f"With the weights of that step {layer}" if layer else _behind_the_layers(job, worst)


def _behind_the_layers(job, worst):
    if "weight" in worst.what or "slot" in worst.what:
        return (
            "Layers, loss and gradients are equal, so it is the update of "
            f"{job.setup.optimizer} or the compiled step."
        )
    return (
        "Each layer by itself is equal with the weights of that step, so it is the loss, or what "
        "the compiled step keeps from earlier steps."
    )


def _explain(job, records):
    """The run leaves the reference's, but no single step does: what it amplifies is rounding."""
    for record in records:
        record.explained = True
    first = min(records, key=_step)
    job.notes.append(
        f"training on {first.target} in {first.dtype} leaves the reference's run at {first.what} "
        f"({amount(first)}), as rounding explains: from its own state before it, each step is the "
        "reference's"
    )


def _step(record):
    return int(record.what.split(",")[0].split()[1])

"""Training runs, step by step: losses, and samples of all weights after each step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unidl.conformance.judge import FLOAT64_BUDGET
from unidl.conformance.oracle import U32, U64
from unidl.verify.report import Record

SAMPLES = 4096
BUDGET = 16.0  # units of scaled rounding, as for layers
OTHERS, FLOOR = (
    3.0,
    4.0,
)  # float32: times the median of the others, plus times what simulated rounding makes


@dataclass
class Run:
    """losses: one for each step, from before its update. weights: for each step {path: up to
    `SAMPLES` elements, float64}."""

    losses: list
    weights: list


def sample(array, most=SAMPLES) -> np.ndarray:
    """Up to `most` elements of an array, evenly spaced, flat."""
    flat = np.asarray(array).reshape(-1)
    if flat.size <= most:
        return flat.copy()
    return flat[np.linspace(0, flat.size - 1, most).astype(int)]


def weight_names(model) -> list[str]:
    """A name for each of `model.weights`: its path, numbered where two share one."""
    names: list[str] = []
    for variable in model.weights:
        path = variable.path.removeprefix(f"{model.path}/")
        same = sum(name.partition(" ")[0] == path for name in names)
        names.append(f"{path} {same + 1}" if same else path)
    return names


def train(model, setup, steps, eagerly=False, jitter=None, before_step=None) -> Run:
    """`steps` of a placed model with the optimizer and loss of `setup`, through its own compiled
    step.

    jitter: (NumPy generator, u): before each step every float weight is changed by a relative u
    with a random sign, which is
        what one more rounding of it may do.
    before_step: called with the number of the step.
    """
    setup.prepare(model)
    model.run_eagerly = eagerly or model.run_eagerly
    names = weight_names(model)
    run = Run([], [])
    for step in range(steps):
        if jitter is not None:
            jitter_weights(model, *jitter)
        if before_step is not None:
            before_step(step)
        x, y = setup.batch(step)
        run.losses.append(float(model.train_on_batch(x, y, return_dict=True)["loss"]))
        run.weights.append(
            {
                n: sample(v.numpy()).astype("float64")
                for n, v in zip(names, model.weights, strict=True)
            }
        )
    return run


def jitter_weights(model, generator, unit):
    """Change every float weight by a relative `unit` with a random sign."""
    for variable in model.weights:
        value = variable.numpy()
        if value.dtype.kind == "f":
            variable.assign(
                value * (1 + unit * generator.choice((-1.0, 1.0), value.shape)).astype(value.dtype)
            )


def scatter(noisy, truth) -> Run:
    """How far rounding of float32 moves a run: S of `unidl.conformance.scales`, the largest change
    of several runs over u, plus |ref|."""

    def spread(values, ref):
        moved = max((float(np.max(np.abs(v - ref), initial=0.0)) for v in values), default=0.0)
        return moved / U32 + float(np.max(np.abs(ref), initial=0.0))

    losses = [spread([run.losses[t] for run in noisy], ref) for t, ref in enumerate(truth.losses)]
    weights = [
        {n: spread([run.weights[t][n] for run in noisy], ref) for n, ref in step.items()}
        for t, step in enumerate(truth.weights)
    ]
    return Run(losses, weights)


def judge_runs(runs, truth, scale):
    """Two Records for each run {(target, dtype): Run}: of its losses and of its weights, each the
    step that is worst or parts first."""
    differences = {key: _differences(run, truth) for key, run in runs.items()}
    records = []
    for (target, dtype), own in differences.items():
        others = [
            d for (other, kind), d in differences.items() if other != target and kind == dtype
        ]
        for part in ("loss", "weights"):
            rows = []
            for t in range(len(truth.losses)):
                names = ["loss"] if part == "loss" else list(truth.weights[t])
                top = _top(truth, t, part)
                for name in names:
                    error, s = (
                        own[t][name],
                        scale.losses[t] if part == "loss" else scale.weights[t][name],
                    )
                    allowed = _allowed(dtype, top, s, [d[t][name] for d in others])
                    what = (
                        f"step {t + 1}, loss" if part == "loss" else f"step {t + 1}, weight {name}"
                    )
                    rows.append((t, what, error, allowed, top))
            beyond = [row for row in rows if not row[2] <= row[3]]
            first = [row for row in beyond if row[0] == beyond[0][0]] if beyond else rows
            _, what, error, allowed, top = max(
                first, key=lambda row: row[2] / row[3] if row[3] else float(row[2] > 0)
            )
            figures = {"error": error / top, "budget": allowed / top, "within": not beyond}
            records.append(
                Record("", "training", "training", target, "training", dtype, what, **figures)
            )
    return records


def curves(runs, truth, scale) -> dict:
    """The figures of the plot: losses, and each step's largest error of a weight with its budget.

    Both are relative to the model's largest weight.
    """
    differences = {key: _differences(run, truth) for key, run in runs.items()}
    rows = []
    for (target, dtype), run in runs.items():
        others = [d for (t, kind), d in differences.items() if t != target and kind == dtype]
        errors, budgets = [], []
        for t, step in enumerate(differences[target, dtype]):
            name = max((n for n in step if n != "loss"), key=step.__getitem__)
            top = _top(truth, t, "weights")
            allowed = _allowed(dtype, top, scale.weights[t][name], [d[t][name] for d in others])
            errors.append(step[name] / top)
            budgets.append(allowed / top)
        row = {"target": target, "dtype": dtype, "losses": run.losses}
        rows.append(row | {"errors": errors, "budgets": budgets})
    return {"steps": len(truth.losses), "reference": truth.losses, "runs": rows}


def _allowed(dtype, top, scale, others):
    """The budget of one weight or loss with this scale, whose errors on the `others` are known."""
    if dtype == "float64":
        return FLOAT64_BUDGET * top + BUDGET * U64 * scale
    return (OTHERS * float(np.median(others)) if others else 0.0) + FLOOR * U32 * scale


def _differences(run, truth):
    """For each step {"loss" or the weight's name: largest difference}, infinite where only one of
    the runs is finite."""

    def largest(a, b):
        with np.errstate(invalid="ignore"):
            difference = np.where(
                (a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(np.subtract(a, b))
            )
        return float(np.max(np.nan_to_num(difference, nan=np.inf), initial=0.0))

    return [
        {"loss": largest(run.losses[t], truth.losses[t])}
        | {n: largest(run.weights[t][n], ref) for n, ref in truth.weights[t].items()}
        for t in range(len(truth.losses))
    ]


def _top(truth, t, part):
    """What errors of a step are relative to: its loss, or the model's largest weight."""
    if part == "loss":
        return abs(truth.losses[t]) or 1.0
    return (
        max((float(np.max(np.abs(w), initial=0.0)) for w in truth.weights[t].values()), default=0.0)
        or 1.0
    )

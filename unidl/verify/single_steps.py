"""Is every single step of a run the reference's, from the state that the run had before it?

Two runs part for good where a ReLU stands at zero: rounding decides on which side, and the steps
that follow amplify it. So few runs of simulated rounding, each with states of its own, do not tell
what rounding may do to one run. One step from the very state of the run does: the same ReLUs stand
at zero there, and simulated rounding moves them too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unidl.conformance.oracle import U32, U64
from unidl.verify import trajectory
from unidl.verify.at_home import rounding_layers
from unidl.verify.measure import largest
from unidl.verify.rounding import LOUD
from unidl.verify.snapshot import placed
from unidl.verify.trajectory import BUDGET, weight_names

# (seeds, whether loud) of evaluations with simulated rounding, each for the steps that have not
# passed by those before: a run has hundreds of comparisons, and a ReLU that stands at zero moves in
# half of the draws. Of a loud draw, twice its change is allowed.
DRAWS = (
    (range(2), False),
    (range(2, 8), False),
    (range(8), True),
    (range(8, 24), True),
)
_SLOT = "slot "
_UNITS = {"float64": U64, "float32": U32}


@dataclass(frozen=True)
class Parting:
    """what: "step 3, weight dense/kernel", as in a Record; error and budget: relative."""

    what: str
    error: float
    budget: float


@dataclass(frozen=True)
class Steps:
    """states: before each step of a run, and after the last. losses: of the steps.

    slots: the names of the optimizer's variables.
    """

    states: list
    losses: list
    slots: list


def steps_of(job, target, dtype) -> Steps:
    """Those of a run on `target`."""
    states: list = []
    with placed(job.snapshot, target.backend, dtype, target.device):

        def keep(step):
            states.append(job.snapshot.state())

        run = trajectory.train(job.model, job.setup, job.steps, before_step=keep)
        states.append(job.snapshot.state())
        slots = [v.name for v in job.model.optimizer.variables]
    return Steps(states, run.losses, slots)


def first_parting(job, steps, dtype) -> Parting | None:
    """The first step of a run in `dtype` that rounding does not explain, None if there is none."""
    states, unit = steps.states, _UNITS[dtype]
    found = [_named(job, states[t + 1], steps.losses[t], steps.slots) for t in range(job.steps)]
    with job.on_reference():
        truths = [_after(job, states[t], t) for t in range(job.steps)]
    moved: list = [{} for _ in truths]
    doubtful = list(range(job.steps))
    beyond: dict[int, Parting] = {}
    for seeds, loud in DRAWS:
        with job.on_reference(noisy=True):
            for seed in seeds:
                for t in doubtful:
                    other = _after(job, states[t], t, job.simulate_rounding(seed, loud))
                    for name, value in other.items():
                        change = largest(value, truths[t][name]) / (LOUD / 2 if loud else 1)
                        change *= unit / U32  # what is simulated is the rounding of float32
                        moved[t][name] = max(moved[t].get(name, 0.0), change)
        partings = {t: _worst(t, found[t], truths[t], moved[t], unit) for t in doubtful}
        beyond = {t: parting for t, parting in partings.items() if parting is not None}
        doubtful = list(beyond)
        if not doubtful:
            return None
    return beyond[doubtful[0]]


def _after(job, state, step, jitter=None):
    """{name: array} of what one step makes of `state` where the model is placed."""
    model, snapshot = job.model, job.snapshot
    job.setup.prepare(model)
    model.run_eagerly = True
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    snapshot.set_state(state)
    if jitter is not None:
        trajectory.jitter_weights(model, *jitter)
    x, y = job.setup.batch(step)
    with rounding_layers(model, jitter):
        loss = float(model.train_on_batch(x, y, return_dict=True)["loss"])
    return _named(job, snapshot.state(), loss, [v.name for v in model.optimizer.variables])


def _named(job, state, loss, slots):
    """The loss of a step and the float arrays of the state after it, by name."""
    names = [f"weight {n}" for n in weight_names(job.model)]
    names += [f"state {i}" for i in range(len(state.weights) - len(names))]
    named = dict(zip(names, state.weights, strict=True))
    named |= {f"{_SLOT}{n}": value for n, value in zip(slots, state.slots, strict=True)}
    arrays = {n: np.asarray(a, "float64") for n, a in named.items() if a.dtype.kind == "f"}
    return {"loss": np.asarray(loss)} | arrays


def _worst(step, found, truth, moved, unit):
    """The Parting of a step, None if all that it made is within what rounding explains."""
    rows = []
    tops = {name: float(np.max(np.abs(ref), initial=0.0)) for name, ref in truth.items()}
    for name, ref in truth.items():
        top = tops[name]
        # The gradient of a bias before a normalization is nothing but rounding: what the optimizer
        # keeps of it is measured by what it keeps of the others.
        alike = [other for other in tops if name.startswith(_SLOT) and _kind(other) == _kind(name)]
        allowed = BUDGET * (moved[name] + unit * max([top, *(tops[other] for other in alike)]))
        error = largest(found[name], ref)
        if not error <= allowed:
            rows.append((error / allowed if allowed else np.inf, name, error, allowed, top or 1.0))
    if not rows:
        return None
    _, name, error, allowed, top = max(rows)
    return Parting(f"step {step + 1}, {name}", error / top, allowed / top)


def _kind(name):
    """Of a slot called "slot dense_kernel_velocity": its last word."""
    return name.startswith(_SLOT) and name.rpartition("_")[2]

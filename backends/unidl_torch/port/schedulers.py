"""torch's schedulers of the learning rate as schedules of unidl.

A scheduler counts its own calls, mostly epochs; a schedule of unidl is asked with the number of
the step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from torch.optim import lr_scheduler

from unidl.optimizers import schedules
from unidl.port.errors import Refused
from unidl.port.schedules import Every


class Rate(NamedTuple):
    """A learning rate: a number, or what makes a schedule from the rate that it begins with."""

    base: float
    schedule: Any = None  # base -> LearningRateSchedule

    def times(self, factor):
        base = self.base * factor
        return base if self.schedule is None else self.schedule(base)


def rate_of(optimizer, scheduler, every, steps):
    """(a Rate for each group of the optimizer, the number of the step, warnings).

    Args:
        every: how many steps of the optimizer lie between two calls of the scheduler; None: as
            many as the numbers of both tell.
        steps: of the optimizer so far.
    """
    groups = optimizer.param_groups
    if scheduler is None:
        return [Rate(float(group["lr"])) for group in groups], steps, []
    if scheduler.optimizer is not optimizer:
        raise Refused("the scheduler is that of another optimizer")
    maker = _MAKERS.get(type(scheduler))
    if maker is None:
        known = ", ".join(kind.__name__ for kind in _MAKERS)
        raise Refused(
            f"the scheduler {type(scheduler).__name__} has no counterpart; {known} have. Without "
            "scheduler= the learning rate stays as it is now"
        )
    calls, counts = scheduler.last_epoch, _counts(optimizer)
    every = interval_of(optimizer, scheduler, every, steps)
    if not counts:  # SGD counts no steps, so the scheduler tells
        steps = max(calls * every, steps)
    rates = []
    for group, base in zip(groups, scheduler.base_lrs, strict=True):
        rate = Rate(float(base), maker(scheduler, every, float(base)))
        expected = float(rate.times(1.0)(steps))
        if not math.isclose(expected, float(group["lr"]), rel_tol=1e-9, abs_tol=1e-300):
            raise Refused(
                f"the scheduler would have set the learning rate {expected:g} by now, and it is "
                f"{float(group['lr']):g}. If it is called every few steps, give scheduler_steps="
            )
        rates.append(rate)
    told = []
    if not counts and every > 1:
        told.append(
            f"{type(optimizer).__name__} counts no steps; it is taken to be at the beginning of "
            f"the {every} steps before the next call of the scheduler"
        )
    end = getattr(scheduler, "T_max", None)
    if end is not None:
        told.append(f"after {end} calls of the scheduler the rate stays; torch's rises again")
    if every > 1:
        told.append(f"the learning rate changes every {every} steps, as the scheduler was called")
    return rates, steps, told


def _counts(optimizer):
    return any("step" in state for state in optimizer.state.values())


def interval_of(optimizer, scheduler, every, steps):
    """How many steps lie between two calls of the scheduler; `every` if that is not None."""
    if scheduler is None:
        return 1
    calls, counts = scheduler.last_epoch, _counts(optimizer)
    if every is not None:
        if counts and steps // every != calls:
            raise Refused(
                f"scheduler_steps={every}, but the scheduler was called {calls} times in {steps} "
                "steps"
            )
        return every
    if not counts or calls == steps or steps == 0:
        return 1
    if calls and steps % calls == 0:
        return steps // calls
    raise Refused(
        f"the scheduler was called {calls} times in {steps} steps. Give scheduler_steps=, the "
        "number of steps between two calls"
    )


def _step(s, every, base):
    return lambda b: schedules.ExponentialDecay(b, s.step_size * every, s.gamma, staircase=True)


def _exponential(s, every, base):
    return lambda b: schedules.ExponentialDecay(b, every, s.gamma, staircase=True)


def _multi_step(s, every, base):
    places = sorted(s.milestones.elements())
    ends = [place * every - 1 for place in sorted(set(places))]
    powers = [0, *(sum(p <= place for p in places) for place in sorted(set(places)))]
    return lambda b: schedules.PiecewiseConstantDecay(ends, [b * s.gamma**n for n in powers])


def _constant(s, every, base):
    end = s.total_iters * every - 1
    return lambda b: schedules.PiecewiseConstantDecay([end], [b * s.factor, b])


def _slowly(make):
    """A schedule whose steps are the scheduler's calls."""

    def maker(s, every, base):
        def schedule(b):
            found = make(s, b, base)
            return found if every == 1 else Every(found, every)

        return schedule

    return maker


@_slowly
def _linear(s, b, base):
    return schedules.PolynomialDecay(b * s.start_factor, s.total_iters, b * s.end_factor, power=1.0)


@_slowly
def _polynomial(s, b, base):
    return schedules.PolynomialDecay(b, s.total_iters, 0.0, power=s.power)


@_slowly
def _cosine(s, b, base):
    return schedules.CosineDecay(b, s.T_max, alpha=s.eta_min / base if base else 0.0)


_MAKERS = {
    lr_scheduler.StepLR: _step,
    lr_scheduler.MultiStepLR: _multi_step,
    lr_scheduler.ExponentialLR: _exponential,
    lr_scheduler.ConstantLR: _constant,
    lr_scheduler.LinearLR: _linear,
    lr_scheduler.PolynomialLR: _polynomial,
    lr_scheduler.CosineAnnealingLR: _cosine,
}

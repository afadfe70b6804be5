"""Learning rates that depend on the step, computed on the host in float64.

A schedule is called with the number of steps done so far, an int from 0 on, and returns a float. In
a function that a framework compiles (`Optimizer.stateless_apply`) both are tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from unidl.optimizers import step_numbers
from unidl.saving.lookup import Catalogue
from unidl.typing import Config
from unidl.utils import constructors, rules
from unidl.utils.namespaces import namespace

if TYPE_CHECKING:
    from typing_extensions import Self


class LearningRateSchedule(constructors.Constructed):
    """Subclass it: `__call__(self, step) -> float`, and `get_config`.

    Examples:
        >>> class Halved(unidl.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** (step // 10)
        ...
        ...     def get_config(self):
        ...         return {}
        >>> optimizer = unidl.optimizers.SGD(Halved())
        >>> float(optimizer.learning_rate)
        0.1
    """

    arguments: tuple[str, ...] = ()  # names of constructor arguments, which are attributes too

    def __call__(self, step: Any) -> float:
        raise NotImplementedError(
            f"{type(self).__name__} must implement __call__(self, step) and return a float."
        )

    def get_config(self) -> Config:
        return {name: getattr(self, name) for name in self.arguments}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**constructors.made_from(cls, config))


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ** (step / decay_steps); with `staircase` the exponent is rounded
    down.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: steps after which the rate is `decay_rate` times as high.
        decay_rate: factor after `decay_steps` steps.
        staircase: change the rate only every `decay_steps` steps.
        name: of the schedule.

    Examples:
        >>> schedules = unidl.optimizers.schedules
        >>> schedule = schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
        >>> [round(float(schedule(step)), 4) for step in (0, 50, 100)]
        [0.1, 0.0707, 0.05]
    """

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    _rules: ClassVar = {
        "initial_learning_rate": rules.NUMBER,
        "decay_steps": rules.POSITIVE,
        "decay_rate": rules.NUMBER,
        "staircase": rules.FLAG,
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = (
            initial_learning_rate,
            decay_steps,
            decay_rate,
        )
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> float:
        return self.initial_learning_rate * self.decay_rate ** _periods(
            step, self.decay_steps, self.staircase
        )


class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + decay_rate * step / decay_steps); with `staircase` the quotient is rounded
    down.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the unit of time, in steps.
        decay_rate: see the formula.
        staircase: change the rate only every `decay_steps` steps.
        name: of the schedule.

    Examples:
        >>> schedules = unidl.optimizers.schedules
        >>> schedule = schedules.InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)
        >>> [round(float(schedule(step)), 4) for step in (0, 10, 30)]
        [0.1, 0.05, 0.025]
    """

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    _rules: ClassVar = {
        "initial_learning_rate": rules.NUMBER,
        "decay_steps": rules.POSITIVE,
        "decay_rate": rules.NUMBER,
        "staircase": rules.FLAG,
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = (
            initial_learning_rate,
            decay_steps,
            decay_rate,
        )
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> float:
        return self.initial_learning_rate / (
            1 + self.decay_rate * _periods(step, self.decay_steps, self.staircase)
        )


def _periods(step: Any, decay_steps: Any, staircase: Any) -> Any:
    periods = step_numbers.as_float(step) / decay_steps
    return step_numbers.floor(periods) if staircase else periods


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] for the first i with step <= boundaries[i], and values[-1] afterwards.

    Args:
        boundaries: steps at which the rate changes, in ascending order.
        values: the rates, one more than boundaries.
        name: of the schedule.

    Examples:
        >>> schedules = unidl.optimizers.schedules
        >>> schedule = schedules.PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.1])
        >>> [round(float(schedule(step)), 4) for step in (100, 101, 201)]  # bounds are inside
        [1.0, 0.5, 0.1]
    """

    arguments = ("boundaries", "values", "name")

    _rules: ClassVar = {"boundaries": rules.NUMBERS, "values": rules.NUMBERS}

    def __init__(
        self,
        boundaries: Sequence[int],
        values: Sequence[float],
        name: str | None = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: n boundaries need n + 1 values, got {len(boundaries)} "
                f"boundaries and {len(values)} values."
            )
        if list(boundaries) != sorted(boundaries):
            raise ValueError(
                f"PiecewiseConstantDecay: boundaries must be increasing, got {list(boundaries)}."
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> float:
        place = step_numbers.place(self.boundaries, step_numbers.as_float(step))
        return step_numbers.element(self.values, place)


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ** power + end, and `end` from decay_steps on.

    With `cycle` the decay is stretched to the next multiple of decay_steps instead.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: how long the decay takes, in steps.
        end_learning_rate: `end`, the last rate.
        power: 1 is a straight line.
        cycle: start again, each time more slowly.
        name: of the schedule.

    Examples:
        >>> schedules = unidl.optimizers.schedules
        >>> schedule = schedules.PolynomialDecay(0.1, 100, end_learning_rate=0.01)
        >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 500)]
        [0.1, 0.055, 0.01, 0.01]
    """

    arguments = (
        "initial_learning_rate",
        "decay_steps",
        "end_learning_rate",
        "power",
        "cycle",
        "name",
    )

    _rules: ClassVar = {
        "initial_learning_rate": rules.NUMBER,
        "decay_steps": rules.POSITIVE,
        "end_learning_rate": rules.NUMBER,
        "power": rules.NOT_NEGATIVE,
        "cycle": rules.FLAG,
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = (
            end_learning_rate,
            power,
            cycle,
            name,
        )

    def __call__(self, step: Any) -> float:
        step, length = step_numbers.as_float(step), float(self.decay_steps)
        if self.cycle:
            length = step_numbers.most(1, step_numbers.ceil(step / length)) * length
        left = 1 - step_numbers.least(step, length) / length
        return (
            self.initial_learning_rate - self.end_learning_rate
        ) * left**self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate to `alpha` times it in decay_steps (Loshchilov & Hutter,
    arXiv:1608.03983).

    With `warmup_target` the rate first rises linearly to it in `warmup_steps` steps, and then
    falls.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: how long the decay takes, in steps.
        alpha: the last rate as a fraction of the initial one.
        name: of the schedule.
        warmup_target: rate at the end of the warm-up; None: no warm-up.
        warmup_steps: how long it takes.

    Examples:
        >>> schedules = unidl.optimizers.schedules
        >>> schedule = schedules.CosineDecay(0.1, decay_steps=100, alpha=0.1)
        >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 200)]
        [0.1, 0.055, 0.01, 0.01]
    """

    arguments = (
        "initial_learning_rate",
        "decay_steps",
        "alpha",
        "name",
        "warmup_target",
        "warmup_steps",
    )

    _rules: ClassVar = {
        "initial_learning_rate": rules.NUMBER,
        "decay_steps": rules.POSITIVE,
        "alpha": rules.NUMBER,
        "warmup_target": rules.optional(rules.NUMBER),
        "warmup_steps": rules.FROM_ZERO,
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str | None = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = (
            initial_learning_rate,
            decay_steps,
            alpha,
            name,
        )
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> float:
        step, top = step_numbers.as_float(step), self.initial_learning_rate
        if self.warmup_target is None:
            return top * self._falling(step)
        # A rise of no steps has no slope, and no step is in it.
        rising = (self.warmup_target - top) * step / (self.warmup_steps or 1) + top
        falling = self.warmup_target * self._falling(step - self.warmup_steps)
        return step_numbers.choose(step < self.warmup_steps, rising, falling)

    def _falling(self, step: Any) -> Any:
        return _cosine(step_numbers.least(step / self.decay_steps, 1.0), self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """A sequence of cosine decays, each `t_mul` times as long as the previous one and starting at a
    rate `m_mul` times as high.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: length of the first decay, in steps.
        t_mul: how many times as long the next decay is.
        m_mul: how many times as high it starts.
        alpha: the last rate of a decay as a fraction of its first.
        name: of the schedule.

    Examples:
        >>> schedules = unidl.optimizers.schedules
        >>> schedule = schedules.CosineDecayRestarts(0.1, first_decay_steps=10)
        >>> [round(float(schedule(step)), 4) for step in (0, 5, 9, 10, 20)]  # then 20 steps
        [0.1, 0.05, 0.0024, 0.1, 0.05]
    """

    arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    _rules: ClassVar = {
        "initial_learning_rate": rules.NUMBER,
        "first_decay_steps": rules.POSITIVE,
        "t_mul": rules.POSITIVE,
        "m_mul": rules.NUMBER,
        "alpha": rules.NUMBER,
    }

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate, self.first_decay_steps = (
            initial_learning_rate,
            first_decay_steps,
        )
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> float:
        done, length, height = step_numbers.as_float(step), float(self.first_decay_steps), 1.0
        if step_numbers.is_tensor(done):
            return self.initial_learning_rate * self._of_tensor(done / length)
        while done >= length:
            done, length, height = done - length, length * self.t_mul, height * self.m_mul
        return self.initial_learning_rate * _cosine(done / length, self.alpha, height)

    def _of_tensor(self, done: Any) -> Any:
        """The rate's part of the initial one, `done` in lengths of the first decay: which decay it
        is follows from the sum of a geometric series."""
        if self.t_mul == 1.0:
            number = step_numbers.floor(done)
            done = done - number
        else:
            ratio = self.t_mul
            number = step_numbers.floor(step_numbers.log(1 - done * (1 - ratio)) / math.log(ratio))
            length = ratio**number
            done = (done - (1 - length) / (1 - ratio)) / length
        return _cosine(done, self.alpha, self.m_mul**number)


def _cosine(fraction: Any, alpha: Any, height: Any = 1.0) -> Any:
    return (1 - alpha) * 0.5 * height * (1 + step_numbers.cos(math.pi * fraction)) + alpha


_catalogue: Catalogue[LearningRateSchedule] = Catalogue(
    "schedules",
    "learning rate schedule",
    "Give the config that `serialize` returned.",
    (
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        CosineDecay,
        CosineDecayRestarts,
    ),
)
serialize, deserialize = _catalogue.serialize, _catalogue.deserialize

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

"""The base class of optimizers: what all of them do around the update itself.

What changes from step to step (learning rate, bias corrections, "is this an update step?") is
computed on the host in float64 and enters through `next_number`. The first such number of a step
also counts it. So a step that a backend traced once counts like one that runs eagerly: once a run,
when its numbers are drawn.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from unidl import ops
from unidl.backend.errors import ArgumentError
from unidl.backend.frame import current
from unidl.backend.registry import owner_of_type
from unidl.backend.variable import Variable
from unidl.distribution.accumulation import known_update, sums_later
from unidl.distribution.buckets import whole_sums
from unidl.ops.dispatch import owner_of
from unidl.optimizers import clipping, rates, step_numbers
from unidl.optimizers.by_variable import ByVariable
from unidl.optimizers.host_variable import HostVariable, VariableOnHost
from unidl.optimizers.schedules import LearningRateSchedule
from unidl.optimizers.slots import HoldsSlots
from unidl.optimizers.stateless_apply import StatelessApply
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.tracing.feed import next_number
from unidl.tracing.shapes.arithmetic import shapes_agree
from unidl.typing import Config, CustomObjects, LearningRate, Tensor, TensorLike
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.habits import OF_OPTIMIZERS, with_habits
from unidl.utils.naming import auto_name
from unidl.utils.rules import FLAG, NOT_NEGATIVE, NUMBER, POSITIVE, TEXT, optional
from unidl.utils.watched import Watched

if TYPE_CHECKING:
    from typing_extensions import Self


@with_habits(OF_OPTIMIZERS)
class Optimizer(ByVariable, HoldsSlots, StatelessApply, Watched, Constructed):
    """Subclasses implement `slot_groups` and `update`, or `build` and `update_step` as in Keras.

    Args:
        learning_rate: float, `LearningRateSchedule`, a function without arguments that returns a
            float, or a Variable that is read at each step.
        weight_decay: before each update p -= p * weight_decay * learning_rate.
        clipnorm: limit on the norm of each gradient. Only one of the three limits can be given.
        clipvalue: limit on each element of the gradients.
        global_clipnorm: limit on the norm of all gradients together.
        use_ema: keep exponential moving averages of the variables ...
        ema_momentum: ... average = momentum * average + (1 - momentum) * variable, the first being
            the variable itself ...
        ema_overwrite_frequency: ... and set the variables to them every so many steps; None: only
            `finalize_variable_values` does.
        loss_scale_factor: `scale_loss` multiplies the loss by it, and gradients are divided by it.
        gradient_accumulation_steps: update only every so many steps, with the mean of the gradients
            since the last update.
        name: by default the class name in snake case.

    Examples:
        >>> w = unidl.Variable([1.0, 1.0])
        >>> optimizer = unidl.optimizers.SGD(learning_rate=0.1, clipnorm=1.0)
        >>> optimizer.apply([np.array([3.0, 4.0])], [w])
        >>> w.numpy()  # the gradient became (0.6, 0.8)
        array([0.94, 0.92], dtype=float32)
        >>> int(optimizer.iterations.numpy())
        1
    """

    _rules: ClassVar = {
        "weight_decay": optional(NOT_NEGATIVE),
        "clipnorm": optional(NOT_NEGATIVE),
        "clipvalue": optional(NOT_NEGATIVE),
        "global_clipnorm": optional(NOT_NEGATIVE),
        "use_ema": FLAG,
        "ema_momentum": NUMBER,
        "loss_scale_factor": optional(POSITIVE),
        "name": optional(TEXT),
    }

    _set_by_base = "_learning_rate"

    # Whether the update of an element depends on that element and its slots alone. Each class says
    # so for itself, since one derived from it may compute otherwise.
    elementwise: ClassVar = False

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [f"{key}={value}" for key, value in limits.items() if value is not None]
        if len(given) > 1:
            raise ValueError(
                f"{self.name}: give only one gradient limit, got {' and '.join(given)}."
            )
        _check_range(
            self.name,
            "ema_momentum",
            ema_momentum,
            not use_ema or 0 <= ema_momentum <= 1,
            "in [0, 1]",
        )
        every = ema_overwrite_frequency
        _check_range(
            self.name,
            "ema_overwrite_frequency",
            every,
            every is None or _is_count(every),
            "None or an int >= 1",
        )
        steps = gradient_accumulation_steps
        _check_range(
            self.name,
            "gradient_accumulation_steps",
            steps,
            steps is None or _is_count(steps, 2),
            "None or an int >= 2",
        )
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = (
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
        )
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._steps = HostVariable(0, "int64", "iteration", owner=self.name)
        self._learning_rate = _learning_rate(self.name, learning_rate)
        self._slots: dict[str, list[Any]] = {}
        self._slot_order: list[Variable] = []
        self._targets: list[Variable] = []
        self._target_slots: dict[str, list[Any]] = {}
        self._index: dict[Variable, int] = {}
        self._undecayed: set[Variable] = set()
        self._undecayed_pattern: re.Pattern[str] | None = None
        self.built = False

    # -- what subclasses define --------------------------------------------------------------------

    def slot_groups(self) -> list[tuple[str, ...]]:
        """Names of the slots, in Keras' order: the slots of one group take turns variable by
        variable."""
        return []

    def update(
        self,
        backend: Any,
        params: Any,
        grads: Sequence[Tensor | None],
        slots: Any,
        learning_rate: LearningRate,
    ) -> Any:
        """One step: lists of tensors in and out, (params, slots), `slots` a dict of lists by the
        names in `slot_groups`."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement update(backend, params, grads, slots, "
            "learning_rate), or update_step(gradient, variable, learning_rate)."
        )

    # -- numbers of the host -----------------------------------------------------------------------

    @property
    def iterations(self) -> Any:
        """The number of updates made, a `HostVariable`; inside `update_step` the number for this
        step."""
        if self._in_update_step:
            return next_number(lambda: step_numbers.as_float(self._update_number() - 1))
        every = self.gradient_accumulation_steps
        return (
            HostVariable(self._steps.value // every, "int64", "iteration") if every else self._steps
        )

    @property
    def learning_rate(self) -> Any:
        """A `HostVariable` to read and assign; with a schedule the float for the next step. Inside
        `update_step` that of the step."""
        if self._in_update_step:
            return next_number(self._current_rate)
        if isinstance(self._learning_rate, HostVariable):
            return self._learning_rate
        return self._rate_at(self._steps.value)

    @learning_rate.setter
    def learning_rate(self, value: TensorLike) -> None:
        if callable(value):
            self._learning_rate = value
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"{self.name} has a {type(self._learning_rate).__name__}, which sets its learning "
                "rate. To set it yourself, create the optimizer with a number, learning_rate=0.001."
            )
        elif isinstance(self._learning_rate, HostVariable):
            self._learning_rate.assign(value)
        else:
            self._learning_rate = _learning_rate(self.name, value)

    def _scheduled_rate(self, value: Any, step: Any) -> float:
        """What a schedule or a function gave for `step`."""
        if (type(value) is float and 0.0 <= value < float("inf")) or _has_no_value(value):
            return value
        source = getattr(self._learning_rate, "__name__", type(self._learning_rate).__name__)
        return rates.learning_rate(f"{self.name}, {source} at step {int(step)}", value)

    def _rate_at(self, step: Any) -> float:
        rate = self._learning_rate
        if isinstance(rate, HostVariable):
            return step_numbers.as_float(rate.value)
        value = rate(step) if isinstance(rate, LearningRateSchedule) else rate()
        return self._scheduled_rate(value, step)

    def _count_step(self) -> float:
        """Count a step and return its learning rate: the first number of every step."""
        self._steps.value += 1
        return self._current_rate()

    def _current_rate(self) -> float:
        return self._rate_at(self._steps.value - 1)

    def _update_number(self) -> Any:
        """Which update the current step makes or prepares, from 1 on."""
        number = (self._steps.value - 1) // (self.gradient_accumulation_steps or 1) + 1
        return step_numbers.as_float(number) if step_numbers.is_tensor(number) else number

    def updates_next(self) -> float | None:
        """For a trainer: 1.0 if the next step is one that updates, 0.0 if it only adds gradients
        up; None where every step updates."""
        every = self.gradient_accumulation_steps
        return float((self._steps.value + 1) % every == 0) if every else None

    @property
    def accumulators(self) -> list[Variable]:
        """The sums of gradients since the last update."""
        return self._slots.get("gradient_accumulator", [])

    def begin_step(self) -> None:
        """For a trainer, before each run of a step: an error unless the optimizer is built. `apply`
        does the counting."""
        if not self.built:
            raise ValueError(
                f"{self.name} is not built: call optimizer.build(model.trainable_variables) before "
                "the first step."
            )

    def settle(self) -> None:
        """For a trainer, when it reads numbers from the device: take over what only the device
        knows so far."""

    @property
    def inner_optimizers(self) -> dict[str, Optimizer]:
        """The optimizers that take the steps of this one, by their groups in files."""
        return {}

    @property
    def watched(self) -> list[Optimizer]:
        """The optimizers whose attributes a compiled step has read."""
        return [self, *(o for inner in self.inner_optimizers.values() for o in inner.watched)]

    # -- the step ----------------------------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss to differentiate."""
        return (
            loss if self.loss_scale_factor is None else ops.multiply(loss, self.loss_scale_factor)
        )

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """`apply` for pairs (gradient, variable); returns the iterations."""
        pairs = list(grads_and_vars)
        are_pairs = [isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs]
        if not pairs or not all(are_pairs):
            raise ValueError(
                f"{self.name}: apply_gradients expects pairs (gradient, variable), e.g. "
                f"zip(gradients, model.trainable_variables), got {len(pairs)} other objects."
            )
        grads, variables = zip(*pairs, strict=True)
        self.apply(grads, variables)
        return self._steps

    def apply(
        self, grads: Sequence[Tensor | None], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """One step with native gradients, in the order of `trainable_variables` (by default those
        it was built with)."""
        if not isinstance(grads, Iterable):
            raise TypeError(
                f"{self.name}: apply() expects a list of gradients in the order of the variables, "
                f"got {type(grads).__name__}."
            )
        grads = list(grads)
        if not grads:
            return
        variables = self._variables_of_step(grads, trainable_variables)
        if any(g is None for g in grads):
            grads, variables = _without_missing(self.name, grads, variables)
        backend = self._backend_of(variables)
        learning_rate = next_number(self._count_step)
        with backend.scope():
            grads = [self._gradient(backend, g, v) for g, v in zip(grads, variables, strict=True)]
            if self.loss_scale_factor is not None:
                grads = [backend.divide(g, self.loss_scale_factor) for g in grads]
            if self.gradient_accumulation_steps:
                self._accumulate(backend, variables, grads, learning_rate)
            else:
                self._step(backend, variables, whole_sums(backend, grads), learning_rate)
            if self.use_ema:
                self._average(backend)
            for variable in variables:
                if variable.constraint is not None:
                    variable.replace(variable.constraint(variable.value))

    def _variables_of_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None
    ) -> list[Variable]:
        """The variables of `grads`; the optimizer is built for them where it is not built yet."""
        if trainable_variables is None:
            self.begin_step()
            variables = self._targets
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"{self.name}: got {len(grads)} gradients for {len(variables)} variables."
            )
        return variables

    def _gradient(self, backend: Any, gradient: Any, variable: Variable) -> Any:
        """A gradient, of the host or of any framework, as a native tensor in the variable's
        dtype."""
        if isinstance(gradient, Variable):
            gradient = gradient.value
        if not backend.is_tensor(gradient) or type(gradient) is np.ndarray:
            owner = owner_of(gradient)
            if owner is not None and not backend.absorbs:
                gradient = owner.to_numpy(gradient)
            try:
                gradient = backend.asarray(gradient, variable.dtype)
            except ArgumentError as error:
                error.function = f"{self.name}, gradient of {variable.path!r}"
                raise
        if not shapes_agree(backend.shape(gradient), variable.shape):
            raise ValueError(
                f"{self.name}: the gradient of {variable.path!r} has shape "
                f"{tuple(backend.shape(gradient))}, but the variable has shape "
                f"{tuple(variable.shape)}."
            )
        if backend.dtype(gradient) == variable.dtype:
            return gradient
        return backend.cast(gradient, variable.dtype)

    def _backend_of(self, variables: Any) -> Any:
        backend = variables[0].backend
        if variables is not self._targets:
            for variable in variables:
                if variable not in self._index:
                    raise ValueError(
                        f"{self.name} was not built for the variable {variable.path!r}. Create a "
                        "new optimizer for new variables."
                    )
        if self._slot_order and self._slot_order[0].backend is not backend:
            raise ValueError(
                f"The variables are on {backend.name!r} but {self.name}'s slots on "
                f"{self._slot_order[0].backend.name!r}. "
                f"Move them too: optimizer.to({backend.name!r})."
            )
        return backend

    def _slots_of(self, variables: Any) -> dict[str, list[Variable]]:
        if variables is self._targets:
            return self._target_slots
        places = [self._index[v] for v in variables]
        return {
            name: [self._slots[name][i] for i in places]
            for group in self.slot_groups()
            for name in group
        }

    def _step(self, backend: Any, variables: Any, grads: Any, learning_rate: Any) -> None:
        grads = self._clip(backend, grads)
        slots = {} if self._steps_by_variable else self._slots_of(variables)
        held, kept = list(variables), slots
        if vars(type(self)).get("elementwise"):
            held = [v.held for v in variables]
            kept = {k: [v if v is None else v.held for v in own] for k, own in slots.items()}
            grads = [
                g if v is part else backend.own_part(g, v.split)
                for g, v, part in zip(grads, variables, held, strict=True)
            ]
        values = [_to_be_changed(v) for v in held]
        params = self._decay(backend, variables, list(values))
        if self._steps_by_variable:
            for variable, value, decayed in zip(variables, values, params, strict=True):
                if decayed is not value:
                    variable.replace(decayed)
            with self._inside_update_step():
                for gradient, variable in zip(grads, variables, strict=True):
                    rate = backend._factor(learning_rate, gradient)
                    self.update_step(gradient, variable, rate)
            return
        before = {
            name: [None if v is None else _to_be_changed(v) for v in own]
            for name, own in kept.items()
        }
        params, after = self.update(backend, params, grads, before, learning_rate)
        for variable, value in zip(held, params, strict=True):
            variable.replace(value)
        for name, own in kept.items():
            for variable, value in zip(own, after[name], strict=True):
                if variable is not None:
                    variable.replace(value)

    def _clip(self, backend: Any, grads: Any) -> Any:
        if self.clipnorm:
            return clipping.clip_by_norm(backend, grads, self.clipnorm)
        if self.global_clipnorm:
            return clipping.clip_by_global_norm(backend, grads, self.global_clipnorm)
        return clipping.clip_by_value(backend, grads, self.clipvalue) if self.clipvalue else grads

    # -- weight decay ------------------------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude the given variables, and those whose name contains one of `var_names`, from
        weight decay. Call it before `build`."""
        if self.built:
            raise ValueError(
                "exclude_from_weight_decay must be called before the optimizer is built, that is, "
                "before training."
            )
        self._undecayed = set(var_list or ())
        self._undecayed_pattern = re.compile("|".join(var_names)) if var_names else None

    def _decays(self, variable: Any) -> bool:
        pattern = self._undecayed_pattern
        return variable not in self._undecayed and not (pattern and pattern.search(variable.name))

    def _decay(self, backend: Any, variables: Any, params: Any) -> Any:
        groups: dict[Any, list[int]] = {}
        for i, variable in enumerate(variables):
            decay = self.weight_decay_of(variable) if self._decays(variable) else None
            if decay is not None:
                groups.setdefault(decay, []).append(i)
        for decay, chosen in groups.items():
            factor = next_number(lambda decay=decay: decay * self._current_rate())
            decayed = backend.decay_update([params[i] for i in chosen], factor=factor)
            for i, value in zip(chosen, decayed, strict=True):
                params[i] = value
        return params

    def weight_decay_of(self, variable: Variable) -> float | None:
        """How much a variable decays unless it is excluded."""
        return self.weight_decay

    # -- gradient accumulation ---------------------------------------------------------------------

    def _accumulate(self, backend: Any, variables: Any, grads: Any, learning_rate: Any) -> None:
        steps = self.gradient_accumulation_steps
        if not sums_later():
            grads = whole_sums(backend, grads)
        sums = [self._slots["gradient_accumulator"][self._index[v]] for v in variables]
        totals = [backend.add(g, s.value) for g, s in zip(grads, sums, strict=True)]
        is_update = known_update.get()
        if is_update is None:
            is_update = next_number(
                lambda: step_numbers.choose(self._steps.value % steps == 0, 1.0, 0.0)
            )

        def means() -> list[Any]:
            whole = whole_sums(backend, totals) if sums_later() else totals
            return [backend.divide(t, steps) for t in whole]

        if isinstance(is_update, float):
            if is_update:
                self._step(backend, variables, means(), learning_rate)
            for total, variable in zip(totals, sums, strict=True):
                variable.replace(backend.full_like(total, 0) if is_update else total)
            return
        # Inside a trace both branches are computed; copies, since an update may work in place.
        chosen = backend.greater(is_update, 0)
        kept = (*self._slots["gradient_accumulator"], *self._slots.get("average", ()))
        touched = [v.held for v in (*variables, *self._slot_order) if v not in kept]
        before = [backend.copy(v.value) for v in touched]
        self._step(backend, variables, means(), learning_rate)
        for variable, old in zip(touched, before, strict=True):
            variable.replace(backend.where(chosen, variable.value, old))
        for total, variable in zip(totals, sums, strict=True):
            variable.replace(backend.where(chosen, backend.full_like(total, 0), total))

    # -- moving averages ---------------------------------------------------------------------------

    def _average(self, backend: Any) -> None:
        momentum = next_number(
            lambda: step_numbers.choose(self._update_number() == 1, 0.0, self.ema_momentum)
        )
        averages = [average.held for average in self._slots["average"]]
        targets = [variable.held for variable in self._targets]
        values = backend.average_update(
            [_to_be_changed(a) for a in averages],
            [v.value for v in targets],
            momentum=momentum,
        )
        for average, value in zip(averages, values, strict=True):
            average.replace(value)
        if self.ema_overwrite_frequency:
            overwrite = next_number(
                lambda: step_numbers.choose(
                    self._update_number() % self.ema_overwrite_frequency == 0, 1.0, 0.0
                )
            )
            if isinstance(overwrite, float):
                if overwrite:
                    self.finalize_variable_values(self._targets)
            else:
                for average, variable in zip(averages, targets, strict=True):
                    variable.replace(
                        backend.where(backend.greater(overwrite, 0), average.value, variable.value)
                    )

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """With `use_ema`: set the variables to their moving averages, unless there was no step yet.
        `fit` calls it at the end."""
        if not self.use_ema or not self._steps.value:
            return
        for variable in var_list:
            average = self._slots["average"][self._index[variable]].held
            variable.held.replace(average.backend.copy(average.value))

    # -- config ------------------------------------------------------------------------------------

    def _essentials(self) -> dict[str, Any]:
        rate = self._learning_rate
        return {"learning_rate": rate.value if isinstance(rate, HostVariable) else rate}

    def get_config(self) -> Config:
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": rate.value
            if isinstance(rate, HostVariable)
            else serialize_keras_object(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        config = dict(made_from(cls, config))
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_keras_object(
                config["learning_rate"], custom_objects
            )
        return cls(**config)


def _learning_rate(name: str, value: Any) -> Any:
    if isinstance(value, type):
        raise ValueError(
            f"{name}: the learning rate is the class {value.__name__}. Create an instance: "
            f"{value.__name__}(...)."
        )
    if isinstance(value, list | tuple) and any(isinstance(v, Variable) for v in value):
        raise ValueError(
            f"{name}: learning_rate must be a number, got a list of variables. An optimizer gets "
            "its variables later: through compile(optimizer=...) and fit, or "
            "build(model.trainable_variables)."
        )
    if callable(value):
        return value
    check = functools.partial(rates.learning_rate, name)
    if isinstance(value, Variable):
        return VariableOnHost(value, "learning_rate", check, name)
    return HostVariable(value, "float64", "learning_rate", check, name)


def _has_no_value(x: Any) -> bool:
    owner = owner_of_type(type(x))
    return owner is not None and not owner.has_value(x)


def _to_be_changed(variable: Variable) -> Any:
    """The value of a variable for an update, which may work in place: in a scope it belongs to
    somebody else."""
    if current().stateless is None:
        return variable.value
    return variable.backend.copy(variable.value)


def _is_count(value: Any, least: Any = 1) -> bool:
    return isinstance(value, int) and value >= least


def _check_range(optimizer: Any, name: str, value: Any, is_right: Any, expected: Any) -> None:
    if not is_right:
        raise ValueError(f"{optimizer}: {name} must be {expected}, got {value!r}.")


def _without_missing(name: str, grads: Any, variables: Any) -> Any:
    """Gradients and variables without the pairs where the gradient is None."""
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(grads):
        raise ValueError(
            f"{name}: no gradient was given for any variable. Does the loss depend on the model's "
            "output?"
        )
    warnings.warn(
        f"{name}: there is no gradient for {', '.join(missing)}; they are left unchanged.",
        stacklevel=3,
    )
    pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in pairs], [v for _, v in pairs]

"""The optimizers of gluon.Trainer: their counterparts, their states, and the way back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from unidl import optimizers, tree
from unidl.optimizers import schedules
from unidl.port import optimizers as ours
from unidl.port.errors import PortError, Refused
from unidl.port.schedules import Every
from unidl.port.training import Trained, slot_arrays
from unidl_mxnet.load import load_mxnet
from unidl_mxnet.port.original import MXNetOriginal

mx = load_mxnet()
opt, rates = mx.optimizer, mx.lr_scheduler


class Kind(NamedTuple):
    """A class of mxnet.optimizer.

    `make` takes (the optimizer, learning rate, decay, options); `slots` are {slot: sign} in the
    order of the state; `clips_decay`: whether gradients are clipped after the decay is added.
    """

    make: Callable[..., Any]
    slots: dict[str, float]
    clips_decay: bool = False


def _sgd(o, rate, decay, options):
    return ours.CoupledSGD(rate, o.momentum, l2=decay, **options)


def _nag(o, rate, decay, options):
    if decay and o.momentum:
        raise Refused("NAG with wd, whose kernel adds the weight after the step to the momentum")
    return ours.CoupledSGD(rate, o.momentum, o.momentum > 0, l2=decay, **options)


def _adam(o, rate, decay, options):
    return ours.CoupledAdam(rate, o.beta1, o.beta2, o.epsilon, l2=decay, **options)


def _rmsprop(o, rate, decay, options):
    momentum = o.gamma2 if o.centered else 0.0
    return ours.CoupledRMSprop(rate, o.gamma1, momentum, o.epsilon, o.centered, l2=decay, **options)


def _adagrad(o, rate, decay, options):
    return optimizers.Adagrad(rate, 0.0, o.float_stable_eps, weight_decay=decay or None, **options)


def _adadelta(o, rate, decay, options):
    return optimizers.Adadelta(1.0, o.rho, o.epsilon, weight_decay=decay or None, **options)


def _adamax(o, rate, decay, options):
    return ours.CoupledAdamax(rate, o.beta1, o.beta2, 0.0, l2=decay, **options)


KINDS = {
    opt.SGD: Kind(_sgd, {"momentum": 1.0}),
    opt.NAG: Kind(_nag, {"momentum": 1.0}),
    opt.Adam: Kind(_adam, {"momentum": 1.0, "velocity": 1.0}, clips_decay=True),
    opt.RMSProp: Kind(
        _rmsprop, {"velocity": 1.0, "average_gradient": 1.0, "momentum": -1.0}, clips_decay=True
    ),
    opt.AdaGrad: Kind(_adagrad, {"accumulator": 1.0}),
    opt.AdaDelta: Kind(_adadelta, {"accumulated_grad": 1.0, "accumulated_delta_var": 1.0}),
    opt.Adamax: Kind(_adamax, {"momentum": 1.0, "norm": 1.0}, clips_decay=True),
}


def groups_of(trainer, name):
    """(a `Trained` for all parameters with the same multipliers, how many steps were done).

    Raises:
        PortError: with what has no counterpart.
    """
    if not isinstance(trainer, mx.gluon.Trainer):
        raise TypeError(
            f"from_gluon: trainer must be a gluon.Trainer, got {type(trainer).__name__}."
        )
    optimizer = trainer._optimizer
    try:
        return _groups(trainer, optimizer, KINDS.get(type(optimizer)))
    except Refused as error:
        raise PortError(name, [("trainer", str(error))]) from None


def _groups(trainer, optimizer, kind):
    if kind is None:
        known = ", ".join(each.__name__ for each in KINDS)
        raise Refused(f"{type(optimizer).__name__} has no counterpart; {known} have")
    if trainer._update_on_kvstore:
        raise Refused("it updates in a kvstore; create it with update_on_kvstore=False")
    if getattr(optimizer, "clip_weights", None):
        raise Refused("clip_weights, which unidl has as a constraint of layers")
    if any(p.dtype == "float16" or p.dtype is np.float16 for p in trainer._params):
        raise Refused("parameters in float16, whose copies in float32 the optimizer has")
    parts: dict[tuple[float, float], list[int]] = {}
    for i, parameter in enumerate(trainer._params):
        if parameter.grad_req != "null":
            parts.setdefault((parameter.lr_mult, parameter.wd_mult), []).append(i)
    counts = {optimizer._index_update_count.get(i, 0) for part in parts.values() for i in part}
    if len(counts) > 1:
        raise Refused(f"its parameters have made different numbers of steps: {sorted(counts)}")
    groups = [
        _group(trainer, optimizer, kind, indices, *multipliers)
        for multipliers, indices in parts.items()
    ]
    return groups, counts.pop()


def _group(trainer, optimizer, kind, indices, of_rate, of_decay):
    decay, options = float(optimizer.wd) * of_decay, {}
    if optimizer.clip_gradient:
        if decay and kind.clips_decay:
            raise Refused("clip_gradient together with wd, which it clips too")
        options["clipvalue"] = float(optimizer.clip_gradient)
    slots: dict[str, dict[str, Any]] = {}
    states = trainer._updaters[0].states if trainer._updaters else {}
    for i in indices:
        for (slot, sign), array in zip(kind.slots.items(), _arrays(states.get(i)), strict=False):
            slots.setdefault(slot, {})[trainer._params[i].name] = sign * array.asnumpy()

    def make(factor):  # which is 1: no weights here are sums
        return kind.make(optimizer, _rate(optimizer, of_rate), decay, options)

    make(1.0)  # refuses what it does not take
    return Trained([trainer._params[i].name for i in indices], make, slots)


def _arrays(state):
    """The arrays of one parameter's state."""
    return [x for x in tree.flatten(state) if x is not None]


def _rate(optimizer, factor):
    """The learning rate, or the schedule of the scheduler."""
    scheduler = optimizer.lr_scheduler
    if scheduler is None:
        return float(optimizer.lr) * factor
    if type(scheduler) not in _SCHEDULES:
        known = ", ".join(kind.__name__ for kind in _SCHEDULES)
        kind = type(scheduler).__name__
        raise Refused(f"the scheduler {kind} has no counterpart; {known} have")
    if scheduler.warmup_steps:
        raise Refused("warmup_steps of a scheduler")
    return _SCHEDULES[type(scheduler)](scheduler, factor)


def _by_factor(s, factor):
    first = s.base_lr / s.factor ** (s.count // s.step)
    if s.stop_factor_lr > 1e-8 or s.base_lr <= s.stop_factor_lr:
        raise Refused("stop_factor_lr of a scheduler")
    return schedules.ExponentialDecay(first * factor, s.step, s.factor, staircase=True)


def _by_factors(s, factor):
    first = s.base_lr / s.factor**s.cur_step_ind * factor
    values = [first * s.factor**i for i in range(len(s.step) + 1)]
    return schedules.PiecewiseConstantDecay([step - 1 for step in s.step], values)


# These are asked with the number of the step from 1 on.
def _polynomial(s, factor):
    first, last = s.base_lr_orig * factor, s.final_lr * factor
    return Every(schedules.PolynomialDecay(first, s.max_update, last, s.power), 1, offset=1)


def _cosine(s, factor):
    first = s.base_lr_orig * factor
    return Every(schedules.CosineDecay(first, s.max_update, s.final_lr / s.base_lr_orig), 1, 1)


_SCHEDULES = {
    rates.FactorScheduler: _by_factor,
    rates.MultiFactorScheduler: _by_factors,
    rates.PolyScheduler: _polynomial,
    rates.CosineScheduler: _cosine,
}


def _copied(optimizer, multipliers, steps):
    """An optimizer that shares no number with `optimizer`, after so many steps.

    `multipliers`: {index: (of the rate, of the decay)}.
    """
    found = copy.copy(optimizer)
    found.param_dict, found.idx2name = {}, {}
    found.lr_mult = {i: each[0] for i, each in multipliers.items()}
    found.wd_mult = {i: each[1] for i, each in multipliers.items()}
    found._all_index_update_counts = {0: dict.fromkeys(multipliers, steps)}
    found._index_update_count = found._all_index_update_counts[0]
    found.num_update = steps
    found.lr_scheduler = copy.copy(optimizer.lr_scheduler)
    return found


def state_of(trainer, optimizer, weights):
    """The content of a file for `trainer.load_states`, with what `optimizer` of unidl has."""
    kind, steps = KINDS[type(trainer._optimizer)], int(optimizer.iterations)
    slots = {slot: slot_arrays(optimizer, weights, slot) for slot in kind.slots}
    multipliers = {i: (p.lr_mult, p.wd_mult) for i, p in enumerate(trainer._params)}
    updater = opt.Updater(_copied(trainer._optimizer, multipliers, steps))
    for i, parameter in enumerate(trainer._params):
        arrays = [
            mx.nd.array(kind.slots[slot] * found[parameter.name], dtype=parameter.dtype)
            for slot, found in slots.items()
            if parameter.name in found
        ]
        if parameter.grad_req != "null":
            updater.states[i] = _like(trainer._optimizer, arrays)
    return updater.get_states(dump_optimizer=True)


def _like(optimizer, arrays):
    """A state as the optimizer has it: one array, none, or a tuple of them."""
    if isinstance(optimizer, (opt.SGD, opt.NAG, opt.AdaGrad)):
        return arrays[0] if arrays else None
    return tuple(arrays)


class MXNetTraining(MXNetOriginal):
    """A graph in float64 with a copy of the trainer's optimizer."""

    def __init__(self, graph, arrays, weights, trainer):
        super().__init__(graph, arrays, weights)
        # The numbers of its optimizers' kernels are float32, and those of Adam and RMSProp divide
        # by what is left of 1 - 0.999.
        wide = isinstance(trainer._optimizer, (opt.Adam, opt.RMSProp))
        self.budget = 1e-5 if wide else 1e-6
        trained = {p.name: i for i, p in enumerate(trainer._params) if p.name in self._trained}
        self._places = trained
        multipliers = {
            i: (trainer._params[i].lr_mult, trainer._params[i].wd_mult) for i in trained.values()
        }
        count = trainer._optimizer._index_update_count
        steps = max((count.get(i, 0) for i in trained.values()), default=0)
        optimizer = _copied(trainer._optimizer, multipliers, steps)
        optimizer.rescale_grad = 1.0
        self._updater = opt.Updater(optimizer)
        states = trainer._updaters[0].states if trainer._updaters else {}
        for i in trained.values():
            if i in states:
                arrays = [mx.nd.array(x.asnumpy(), dtype="float64") for x in _arrays(states[i])]
                self._updater.states[i] = _like(optimizer, arrays)
                self._updater.states_synced[i] = True

    def step(self, inputs, directions):
        gradients, _ = self.gradients(inputs, directions)
        for name, i in self._places.items():
            parameter = self._parameters[name]
            gradient = mx.nd.array(gradients[name], dtype="float64")
            self._updater(i, gradient, parameter.data())

"""torch.optim's optimizers: their counterparts, their states, and the way back."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import optim

from unidl import optimizers
from unidl.port import optimizers as ours
from unidl.port import training
from unidl.port.errors import PortError, Refused
from unidl.port.proof import BUDGET
from unidl.port.training import Trained
from unidl_torch.port.original import TorchOriginal, tensors
from unidl_torch.port.schedulers import Rate, interval_of, rate_of


class Kind(NamedTuple):
    """A class of torch.optim.

    `make` takes (rate, the group's options) and gives unidl's optimizer; `slots` are {key of the
    state: slot}, `is_linear` as in `Trained`.
    """

    make: Callable[[Any, dict[str, Any]], Any]
    slots: dict[str, str]
    is_linear: bool = False


def _betas(g):
    return {"beta_1": float(g["betas"][0]), "beta_2": float(g["betas"][1]), "epsilon": g["eps"]}


def _sgd(rate, g):
    if g["momentum"] == 0 and g["l2"] == 0:
        return optimizers.SGD(rate)
    return ours.HeavyBall(rate, g["momentum"], g["dampening"], g["nesterov"], l2=g["l2"])


def _adam(rate, g):
    return ours.CorrectedAdam(
        rate, **_betas(g), amsgrad=g["amsgrad"], l2=g["l2"], weight_decay=g["decay"]
    )


def _nadam(rate, g):
    return ours.SlowNadam(
        rate, **_betas(g), momentum_decay=g["momentum_decay"], l2=g["l2"], weight_decay=g["decay"]
    )


def _rmsprop(rate, g):
    return ours.RootRMSprop(rate, g["alpha"], g["momentum"], g["eps"], g["centered"], l2=g["l2"])


_MOMENTS = {"exp_avg": "momentum", "exp_avg_sq": "velocity"}
KINDS = {
    optim.SGD: Kind(_sgd, {"momentum_buffer": "buffer"}, is_linear=True),
    optim.Adam: Kind(_adam, {**_MOMENTS, "max_exp_avg_sq": "velocity_hat"}),
    optim.AdamW: Kind(_adam, {**_MOMENTS, "max_exp_avg_sq": "velocity_hat"}),
    optim.NAdam: Kind(_nadam, _MOMENTS),
    optim.Adamax: Kind(
        lambda rate, g: ours.FlooredAdamax(rate, **_betas(g), l2=g["l2"]),
        {"exp_avg": "momentum", "exp_inf": "norm"},
    ),
    optim.RMSprop: Kind(
        _rmsprop,
        {"square_avg": "velocity", "momentum_buffer": "buffer", "grad_avg": "average_gradient"},
    ),
    optim.Adagrad: Kind(
        lambda rate, g: ours.RootAdagrad(
            rate, g["lr_decay"], g["initial_accumulator_value"], g["eps"], l2=g["l2"]
        ),
        {"sum": "accumulator"},
    ),
    optim.Adadelta: Kind(
        lambda rate, g: ours.CoupledAdadelta(rate, g["rho"], g["eps"], l2=g["l2"]),
        {"square_avg": "accumulated_grad", "acc_delta": "accumulated_delta_var"},
    ),
}


def groups_of(module, optimizer, scheduler, scheduler_steps, name):
    """(a `Trained` for each group of parameters, how many steps were done, warnings).

    Raises:
        PortError: with what has no counterpart.
    """
    if not isinstance(optimizer, optim.Optimizer):
        raise TypeError(
            f"from_torch: optimizer must be one of torch.optim, got {type(optimizer).__name__}."
        )
    kind = KINDS.get(type(optimizer))
    if kind is None:
        known = ", ".join(each.__name__ for each in KINDS)
        reason = f"{type(optimizer).__name__} has no counterpart; {known} have"
        raise PortError(name, [("optimizer", reason)])
    names = {id(p): n for n, p in module.named_parameters()}
    refused, found = [], []
    try:
        rates, steps, told = rate_of(optimizer, scheduler, scheduler_steps, steps_of(optimizer))
    except Refused as error:
        raise PortError(name, [("optimizer", str(error))]) from None
    for i, (group, rate) in enumerate(zip(optimizer.param_groups, rates, strict=True)):
        try:
            found.append(_group(kind, optimizer, group, rate, names))
        except Refused as error:
            refused.append((f"optimizer.param_groups[{i}]", str(error)))
    if refused:
        raise PortError(name, refused)
    return found, steps, told


def _group(kind, optimizer, group, rate: Rate, names):
    if group.get("maximize"):
        raise Refused("maximize=True; minimize the negative")
    strange = [p for p in group["params"] if id(p) not in names]
    if strange:
        raise Refused(f"{len(strange)} of its parameters are none of the module's")
    decay = float(group["weight_decay"])
    is_decoupled = bool(group.get("decoupled_weight_decay")) or isinstance(optimizer, optim.AdamW)
    options = dict(group)
    started = [p for p in group["params"] if optimizer.state.get(p)]
    slots: dict[str, dict[str, np.ndarray]] = {}
    for parameter in started:
        for key, slot in kind.slots.items():
            value = optimizer.state[parameter].get(key)
            if value is not None:
                slots.setdefault(slot, {})[names[id(parameter)]] = value.detach().cpu().numpy()
    if group.get("dampening") and not slots and started:
        raise Refused("dampening without the momentum of the steps before")

    def make(factor):
        share = decay / factor
        options["l2"] = 0.0 if is_decoupled else share
        options["decay"] = share if is_decoupled and decay else None
        return kind.make(rate.times(factor), options)

    return Trained(
        [names[id(p)] for p in group["params"] if p.requires_grad],
        make,
        slots,
        kind.is_linear,
        l2=decay != 0 and not is_decoupled,
    )


def steps_of(optimizer):
    """How many steps were done, as the states of the parameters tell."""
    counts = set()
    for state in optimizer.state.values():
        if "step" in state:
            counts.add(int(state["step"]))
        elif state.get("momentum_buffer") is not None:
            counts.add(1)  # SGD does not count; what matters is that it is not the first
    if len(counts) > 1:
        raise Refused(f"its parameters have made different numbers of steps: {sorted(counts)}")
    return counts.pop() if counts else 0


def state_of(module, theirs, optimizer, weights):
    """What `theirs.load_state_dict` takes, with the state that `optimizer` of unidl has."""
    kind = KINDS[type(theirs)]
    names = {id(p): n for n, p in module.named_parameters()}
    found: dict[str, Any] = copy.deepcopy(theirs.state_dict())
    slots = {
        key: training.slot_arrays(optimizer, weights, slot) for key, slot in kind.slots.items()
    }
    steps = int(optimizer.iterations)
    place = 0
    for group, written in zip(theirs.param_groups, found["param_groups"], strict=True):
        trained = {names[id(p)] for p in group["params"] if p.requires_grad}
        rate = training.rate_of(optimizer, weights, trained)
        written["lr"] = group["lr"] if rate is None else rate
        for parameter in group["params"]:
            state = {}
            for key, arrays in slots.items():
                array = arrays.get(names[id(parameter)])
                if array is not None:
                    state[key] = torch.from_numpy(np.array(array)).to(parameter.dtype)
            if state and type(theirs) is not optim.SGD:
                state["step"] = torch.tensor(float(steps))
            if state and isinstance(theirs, optim.NAdam):
                state["mu_product"] = torch.tensor(_product(group, steps))
            if state:
                found["state"][place] = state
            place += 1
    return found


def _product(group, steps):
    """What NAdam keeps of the momentum of all steps."""
    beta, decay = group["betas"][0], group["momentum_decay"]
    return float(np.prod([beta * (1 - 0.5 * 0.96 ** (t * decay)) for t in range(1, steps + 1)]))


class TorchTraining(TorchOriginal):
    """A copy of module, optimizer and scheduler in float64, as the proof asks it."""

    def __init__(self, module, optimizer, scheduler, every):
        super().__init__(module, still=())
        self.budget = BUDGET
        names = {id(p): n for n, p in module.named_parameters()}
        mine = dict(self.module.named_parameters())
        groups = [
            {**group, "params": [mine[names[id(p)]] for p in group["params"]]}
            for group in optimizer.param_groups
        ]
        self.optimizer = type(optimizer)(groups)
        self.optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        self.scheduler = None
        if scheduler is not None:
            self.scheduler = copy.copy(scheduler)
            self.scheduler.optimizer = self.optimizer
        steps = steps_of(self.optimizer)
        self._every = interval_of(self.optimizer, self.scheduler, every, steps)
        self._steps = rate_of(self.optimizer, self.scheduler, every, steps)[1]

    def step(self, inputs, directions):
        outputs = self._run(tensors(inputs), True)
        total = sum((y * d).sum() for y, d in zip(outputs, tensors(directions), strict=True))
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        self._steps += 1
        if self.scheduler is not None and self._steps % self._every == 0:
            with warnings.catch_warnings():  # that the copy was called before its optimizer
                warnings.simplefilter("ignore")
                self.scheduler.step()

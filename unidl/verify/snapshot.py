"""A copy of a user's model, put on any backend, device and dtype, each time as it was at first:
attributes of its layers, variables, optimizer, random state."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from unidl.backend import floatx, registry
from unidl.backend.dtypes import floatx_here, is_float
from unidl.backend.variable import Variable
from unidl.dtype_policies import DTypePolicy
from unidl.layers import Layer
from unidl.losses import Loss
from unidl.ops.dispatch import standing_in
from unidl.random import SeedGenerator
from unidl.random.seed_generator import get_global_state, set_global_state
from unidl.verify.reach import is_ours

_CONTAINERS = (list, dict, set)


@dataclass
class State:
    """All that a training step starts from, on the host.

    weights: those of `model._device_variables`. slots: those of the optimizer, in order.
    counters: where the random numbers stand.
    """

    weights: list
    slots: list
    counters: list


class Snapshot:
    """The state of `model`, with a host copy of every variable.

    Args:
        model: the copy that is verified.
        others: what else belongs to it, such as a layer that only a function calls.

    Attributes:
        variables: all Variables that these hold: weights, states, the optimizer's slots.
        generators: their SeedGenerators. layers: their Layers.
    """

    def __init__(self, model, others=()):
        self.model = model
        self._contents = {}
        self._collect((model, *others))
        found = [owner for owner, _ in self._contents.values()]
        self.variables = [x for x in found if isinstance(x, Variable)]
        self.generators = [x for x in found if isinstance(x, SeedGenerator)]
        self.layers = [x for x in found if isinstance(x, Layer)]
        self._values = {id(v): v.numpy() for v in self.variables}
        self._random = get_global_state()

    def _collect(self, root):
        pending = [root]
        while pending:
            item = pending.pop()
            if isinstance(item, tuple):
                pending += item
            elif id(item) not in self._contents and (
                isinstance(item, _CONTAINERS) or is_ours(item)
            ):
                contents = item.copy() if isinstance(item, _CONTAINERS) else dict(vars(item))
                self._contents[id(item)] = item, contents
                pending += contents.values() if isinstance(contents, dict) else contents

    def restore(self):
        """Put everything back."""
        for owner, contents in self._contents.values():
            if isinstance(owner, list):
                owner[:] = contents
            else:
                held = owner if isinstance(owner, _CONTAINERS) else vars(owner)
                held.clear()
                held.update(contents)
        set_global_state(self._random)

    def place(self, backend, dtype):
        """The model as it was, but on `backend`, with all that is float in `dtype` (None: each as
        it is)."""
        self.restore()
        for layer in self.layers:
            layer.backend = backend
            if dtype is not None:
                layer.dtype_policy = DTypePolicy(dtype)
                layer._casts_inputs = True
                if getattr(layer, "_plan", None) is not None:  # what functions right behind get
                    layer._plan.float_dtype = dtype
            if hasattr(layer, "_forget_compiled"):
                layer._forget_compiled()
        for variable in self.variables:
            if dtype is not None and is_float(variable.dtype):
                variable.dtype = dtype
            with backend.scope():
                variable.hold(backend, backend.asarray(self._values[id(variable)], variable.dtype))
        for owner, _ in self._contents.values():
            if dtype is not None and isinstance(
                owner, Loss
            ):  # a loss computes in a dtype of its own
                owner.dtype = dtype

    def reset_states(self):
        """Set what a placed model's calls assign (moving averages, states, not the optimizer's
        slots) to what it was."""
        trainable = {id(v) for v in self.model.trainable_variables}
        for variable in self.model._device_variables:
            if id(variable) not in trainable:
                variable.assign(self._values[id(variable)])

    def value(self, variable):
        """The host copy of a variable as it was."""
        return self._values[id(variable)]

    def state(self) -> State:
        """Of the placed model, between two steps."""
        optimizer = self.model.optimizer
        weights = [v.numpy() for v in self.model._device_variables]
        return State(weights, [v.numpy() for v in optimizer.variables], self.counters())

    def set_state(self, state):
        """Let the placed model, its optimizer built, go on from `state`."""
        variables = [*self.model._device_variables, *self.model.optimizer.variables]
        for variable, value in zip(variables, [*state.weights, *state.slots], strict=True):
            variable.assign(value)
        self.set_counters(state.counters)

    @contextmanager
    def weights_of(self, state):
        """Inside, the model is placed with the weights of `state` in place of those that it had."""
        before = self._values
        held = {id(v): w for v, w in zip(self.model._device_variables, state.weights, strict=True)}
        self._values = before | held
        try:
            yield
        finally:
            self._values = before

    def counters(self) -> list:
        """Where the random numbers stand: the global state first."""
        return [get_global_state(), *(g.counter for g in self.generators)]

    def set_counters(self, counters):
        set_global_state(counters[0])
        for generator, counter in zip(self.generators, counters[1:], strict=True):
            generator.counter = counter


@contextmanager
def placed(snapshot, backend, dtype, device=None):
    """Inside, the model stands on `backend` (and `device`) in `dtype`, and that backend is the
    active one."""
    wide = floatx_here(dtype or floatx())
    with standing_in(backend), registry.device(device) if device else nullcontext(), wide:
        snapshot.place(backend, dtype)
        yield snapshot.model

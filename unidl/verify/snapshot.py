"""A user's model, lent out: put on any backend, device and dtype, and given back exactly as it was.

Copying a model would need configs, which layers of a user's own may not have. So the model itself
is moved, and everything that unidl knows of it is put back: attributes of its layers, variables
with their very storage, optimizer, random state.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from unidl.backend import Backend, floatx, registry, set_floatx
from unidl.backend.dtypes import is_float
from unidl.backend.variable import Variable
from unidl.dtype_policies import DTypePolicy
from unidl.losses import Loss
from unidl.ops.dispatch import standing_in
from unidl.random import SeedGenerator
from unidl.random.seed_generator import get_global_state, set_global_state

_CONTAINERS = (list, dict, set)


@dataclass
class State:
    """All that a training step starts from, on the host.

    weights: those of `model.variables`. slots: those of the optimizer's variables, in order.
    counters: where the random numbers stand.
    """

    weights: list
    slots: list
    counters: list


class Snapshot:
    """The state of `model`, with a host copy of every variable.

    Attributes:
        variables: all Variables that the model holds: weights, states, the optimizer's slots.
        generators: its SeedGenerators.
    """

    def __init__(self, model):
        self.model = model
        self._contents = {}
        self._collect(model)
        found = [owner for owner, _ in self._contents.values()]
        self.variables = [x for x in found if isinstance(x, Variable)]
        self.generators = [x for x in found if isinstance(x, SeedGenerator)]
        self._values = {id(v): v.numpy() for v in self.variables}
        self._random = get_global_state()
        self._floatx = floatx()

    def _collect(self, root):
        pending = [root]
        while pending:
            item = pending.pop()
            if isinstance(item, tuple):
                pending += item
            elif id(item) not in self._contents and (
                isinstance(item, _CONTAINERS) or _is_ours(item)
            ):
                contents = item.copy() if isinstance(item, _CONTAINERS) else dict(vars(item))
                self._contents[id(item)] = item, contents
                pending += contents.values() if isinstance(contents, dict) else contents

    def restore(self):
        """Put everything back. No storage was written to, since `place` gave each variable another
        one."""
        for owner, contents in self._contents.values():
            if isinstance(owner, list):
                owner[:] = contents
            else:
                held = owner if isinstance(owner, _CONTAINERS) else vars(owner)
                held.clear()
                held.update(contents)
        set_global_state(self._random)
        set_floatx(self._floatx)

    def place(self, backend, dtype):
        """The model as it was, but on `backend`, with all that is float in `dtype` (None: each as
        it is)."""
        self.restore()
        if dtype is not None:
            set_floatx(dtype)
        for layer in self.model._flatten_layers():
            layer.backend = backend
            if dtype is not None:
                layer.dtype_policy = DTypePolicy(dtype)
                layer._casts_inputs = True
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
        for variable in self.model.variables:
            if id(variable) not in trainable:
                variable.assign(self._values[id(variable)])

    def value(self, variable):
        """The host copy of a variable as it was."""
        return self._values[id(variable)]

    def state(self) -> State:
        """Of the placed model, between two steps."""
        optimizer = self.model.optimizer
        weights = [v.numpy() for v in self.model.variables]
        return State(weights, [v.numpy() for v in optimizer.variables], self.counters())

    def set_state(self, state):
        """Let the placed model, its optimizer built, go on from `state`."""
        variables = [*self.model.variables, *self.model.optimizer.variables]
        for variable, value in zip(variables, [*state.weights, *state.slots], strict=True):
            variable.assign(value)
        self.set_counters(state.counters)

    @contextmanager
    def weights_of(self, state):
        """Inside, the model is placed with the weights of `state` in place of those that it had."""
        before = self._values
        held = {id(v): w for v, w in zip(self.model.variables, state.weights, strict=True)}
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


def _is_ours(item):
    """Whether an object is unidl's, or of a class derived from one of unidl's; backends are
    nobody's state."""
    if isinstance(item, type | Backend) or not hasattr(item, "__dict__"):
        return False
    return any(cls.__module__.partition(".")[0] == "unidl" for cls in type(item).__mro__)


@contextmanager
def lent(model):
    """`with lent(model) as snapshot:` whatever happens inside, afterwards the model is as it
    was."""
    snapshot = Snapshot(model)
    try:
        yield snapshot
    finally:
        snapshot.restore()


@contextmanager
def placed(snapshot, backend, dtype, device=None):
    """Inside, the model stands on `backend` (and `device`) in `dtype`, and that backend is the
    active one."""
    with standing_in(backend), registry.device(device) if device else nullcontext():
        snapshot.place(backend, dtype)
        yield snapshot.model

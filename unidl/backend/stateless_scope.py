"""StatelessScope: code that reads and assigns state, run as a function of that state.

What is read inside is what the mapping says, what is assigned inside is kept by the scope, and no
handle changes: neither a Variable, nor a number that the host keeps, nor the losses of a layer. It
is a frame with stand-ins (`frame.py`) that its maker may read; in contrast to those of a trace of
our own, gradients flow through what is assigned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from unidl.backend import registry
from unidl.backend.frame import StandIns, changed, current
from unidl.backend.host_held import HostHeld
from unidl.backend.variable import Variable, commit
from unidl.typing import Tensor


class StatelessScope:
    """A context in which no Variable changes: its code works on the values of a mapping.

    Args:
        state_mapping: pairs (variable, value): the value, a number, array, Variable or native
            tensor of the variable's shape, is what the variable is inside. It is cast to the
            variable's dtype. Variables that are not named have their own values.
        collect_losses: keep what layers add by `add_loss` in the attribute `losses` too.
        initialize_variables: as in Keras, where variables made inside get their values at the
            scope's end. Here they have them from the beginning, in either case.

    Besides Variables the mapping takes what `non_trainable_variables` and `optimizer.variables`
    hold: the states of random generators, iteration counts and learning rates.

    Raises:
        TypeError: for a key that is no variable.
        ValueError: for a value of another shape.

    Examples:
        >>> v = unidl.Variable([1.0, 2.0])
        >>> with unidl.StatelessScope([(v, np.array([5.0, 6.0]))]) as scope:
        ...     v = v.assign_add([1.0, 1.0])  # the same Variable
        >>> scope.get_current_value(v)
        array([6., 7.], dtype=float32)
        >>> v.numpy()
        array([1., 2.], dtype=float32)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Any, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self._traced = False
        self._values: dict[Variable, Tensor] = {}
        self._states: dict[HostHeld, Any] = {}
        self._losses_of: dict[int, list[Any]] = {}
        self._stand_ins: Any = None
        self._around: StatelessScope | None = None
        self._entered: Any = None
        for variable, value in state_mapping or ():
            self._take(variable, value)

    def _take(self, variable: Any, value: Any) -> None:
        if isinstance(variable, HostHeld):
            self._states[variable] = self._state_from(variable, value)
            return
        if not isinstance(variable, Variable):
            raise TypeError(
                "StatelessScope: state_mapping takes pairs (variable, value), got "
                f"{variable!r:.80} of type {type(variable).__name__} for a variable. Write e.g. "
                "zip(model.variables, values)."
            )
        backend = variable.backend
        with backend.scope():
            if isinstance(value, Variable):
                value = value.uncast
            value = variable._native(value, variable.dtype)
            shape = tuple(backend.shape(value))
            if shape != tuple(variable.shape):
                raise ValueError(
                    f"StatelessScope: the variable {variable.path!r} has shape "
                    f"{tuple(variable.shape)}, its value shape {shape}."
                )
            self._traced = self._traced or not backend.has_value(value)
        self._values[variable] = value

    def _state_from(self, handle: HostHeld, value: Any) -> Any:
        """Numbers, or the tensor itself where it has no value yet."""
        if isinstance(value, type(handle)) and value.shape == handle.shape:
            return value.state  # exactly, which a tensor of 32 bits is not
        if isinstance(value, HostHeld):
            value = value.as_tensor(value.state)
        elif isinstance(value, Variable):
            value = value.uncast
        owner = registry.owner_of_type(type(value))
        shape = np.shape(value) if owner is None else tuple(owner.shape(value))
        if shape != handle.shape:
            raise ValueError(
                f"StatelessScope: {handle.path!r} has shape {handle.shape}, its value shape "
                f"{shape}."
            )
        if owner is None:
            return handle.state_from(np.asarray(value))
        if owner.has_value(value):
            return handle.state_from(owner.to_numpy(value))
        self._traced = True
        return value

    def __enter__(self) -> StatelessScope:
        if self._entered is not None:
            raise RuntimeError("StatelessScope: it is entered already. Make another one.")
        self._around = current().stateless
        before = {} if self._stand_ins is None else self._stand_ins
        self._stand_ins = _Kept(list(self._values), list(self._values.values()))
        self._stand_ins.update(before)
        self._entered = changed(stand_ins=self._stand_ins, stateless=self)
        self._entered.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        entered, self._entered = self._entered, None
        entered.__exit__(*error)

    def add_loss(self, loss: Tensor) -> None:
        """Keep a loss, as a layer's `add_loss` does."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Any, Any]) -> None:
        """Set the value of a variable in the scope: update is a pair (variable, value)."""
        variable, value = update
        self._take(variable, value)
        if self._stand_ins is not None and variable in self._values:
            self._stand_ins[variable] = self._values[variable]

    def get_current_value(self, variable: Any) -> Tensor | None:
        """The value of a variable in the scope, a native tensor; None for one that is not in the
        mapping and was not assigned."""
        if isinstance(variable, HostHeld):
            if variable not in self._states:
                return None
            return variable.as_tensor(self._states[variable])
        held = self._values if self._stand_ins is None else self._stand_ins
        return held.get(variable)

    def put_into_place(self) -> None:
        """After the end: what was assigned inside becomes the Variables' own values, and the
        numbers of the host theirs."""
        held = self._stand_ins or {}
        commit(list(held), [variable.backend.detach(value) for variable, value in held.items()])
        for handle, state in self._states.items():
            handle.state = state

    # -- for those who hold state ------------------------------------------------------------------

    def is_traced(self) -> bool:
        """Whether some value is that of a function which is being compiled."""
        return self._traced or (self._around is not None and self._around.is_traced())

    @property
    def has_numbers(self) -> bool:
        """Whether the mapping has numbers that an optimizer keeps on the host."""
        return any(handle.shape == () for handle in self._states)

    def note_arguments(self, values: Iterable[Any]) -> None:
        """Look whether the arguments of a call inside belong to a function that is being compiled,
        where the state alone does not tell."""
        for value in values:
            owner = registry.owner_of_type(type(value))
            self._traced = self._traced or (owner is not None and not owner.has_value(value))

    def holds(self, handle: HostHeld) -> bool:
        """Whether the mapping, or that of a scope around, has a value for `handle`."""
        return handle in self._states or (self._around is not None and self._around.holds(handle))

    def state_of(self, handle: HostHeld) -> Any:
        """What stands for the numbers of `handle`."""
        if handle in self._states:
            return self._states[handle]
        return handle.own_state() if self._around is None else self._around.state_of(handle)

    def set_state_of(self, handle: HostHeld, state: Any) -> None:
        self._states[handle] = state

    def losses_of(self, layer: Any) -> list[Any]:
        """The losses of the layer's last call in the scope."""
        return self._losses_of.get(id(layer), [])

    def keep_losses_of(self, layer: Any, losses: list[Any]) -> None:
        self._losses_of[id(layer)] = losses
        if self.collect_losses:
            self.losses.extend(losses)


class _Kept(StandIns):
    """Stand-ins through whose assignments gradients flow."""

    def assign(self, variable: Any, value: Any) -> None:
        self[variable] = value

"""What an optimizer keeps: slots for each variable that it updates, and its other state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from unidl.backend.variable import Variable
from unidl.distribution.placing import place_like
from unidl.optimizers.host_variable import HostVariable
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Self

    from unidl.optimizers.optimizer import Optimizer


# Of gradients that are not sent yet: another sum in each process, so none of them has a part of it.
_OWN_SUMS = "gradient_accumulator"


class HoldsSlots:
    """Mixed into `Optimizer`."""

    name: str
    built: bool
    use_ema: bool
    gradient_accumulation_steps: int | None
    _learning_rate: Any
    _steps: HostVariable
    _slots: dict[str, list]
    _slot_order: list[Variable]
    _index: dict[Variable, int]
    _targets: list[Variable]
    _target_slots: dict[str, list]

    if TYPE_CHECKING:

        @property
        def inner_optimizers(self) -> dict[str, Optimizer]: ...

        @property
        def watched(self) -> list[Optimizer]: ...

        def slot_groups(self) -> list[tuple[str, ...]]: ...

        def begin_step(self) -> None: ...

        def _slots_of(self, variables: Any) -> dict[str, list[Variable]]: ...

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the slots of `variables`, the only ones that can be updated from now on."""
        if self.built:
            return
        if not isinstance(variables, Iterable):
            raise TypeError(
                f"{self.name}: build() expects a list of variables, such as "
                f"model.trainable_variables, got {variables!r}."
            )
        variables = list(variables)
        common = [("average",)] * self.use_ema + [("gradient_accumulator",)] * bool(
            self.gradient_accumulation_steps
        )
        for group in common + self.slot_groups():
            self._slots.update((name, []) for name in group)
            for variable in variables:
                for name in group:
                    self._add_slot(
                        variable,
                        name,
                        variable.shape if group in common else self.slot_shape(name, variable),
                    )
        self._index = {variable: i for i, variable in enumerate(variables)}
        self._target_slots = self._slots_of(variables)
        self._targets = variables
        self.built = True

    def _add_slot(self, variable: Any, name: str, shape: Any) -> None:
        if shape is None:
            self._slots[name].append(None)
            return
        backend = variable.backend
        with backend.scope():
            zeros = backend.full(tuple(shape), self.initial_slot_value(name), variable.dtype)
        of = variable.kernel_of if tuple(shape) == tuple(variable.shape) else None
        slot = Variable(
            zeros,
            trainable=False,
            name=f"{variable.path.replace('/', '_')}_{name}",
            backend=backend,
            kernel_of=of,
        )
        slot.path = f"{self.name}/{slot.name}"
        if name != _OWN_SUMS:
            place_like(slot, variable)
        self._slots[name].append(slot)
        self._slot_order.append(slot)

    def place_slots(self) -> None:
        """Split the slots as their variables are by now."""
        for optimizer in self.watched:
            for name, slots in optimizer._slots.items():
                for slot, variable in zip(slots, optimizer._index, strict=True):
                    if slot is not None and name != _OWN_SUMS:
                        place_like(slot, variable)

    def initial_slot_value(self, name: str | None) -> float:
        """What the slot called `name` is filled with at first."""
        return 0.0

    def slot_shape(self, name: str | None, variable: Variable) -> tuple[int, ...] | None:
        """The shape of a variable's slot called `name`; None if the variable has none."""
        return tuple(variable.shape)

    @property
    def slot_variables(self) -> list[Variable]:
        """The Variables on the device: `variables` without the numbers of the host."""
        return [slot for optimizer in self.watched for slot in optimizer._slot_order]

    @property
    def variables(self) -> list:
        """All state: iteration, learning rate (unless a schedule gives it), slots; then that of
        the inner optimizers."""
        rate = [self._learning_rate] if isinstance(self._learning_rate, HostVariable) else []
        inner = [v for optimizer in self.inner_optimizers.values() for v in optimizer.variables]
        return [self._steps, *rate, *self._slot_order, *inner]

    def set_weights(self, weights: TensorLike) -> None:
        """Set `variables` from arrays of their shapes."""
        self.begin_step()
        weights = list(weights)
        if len(weights) != len(self.variables):
            raise ValueError(
                f"{self.name} has {len(self.variables)} variables, got {len(weights)} arrays."
            )
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Put the variables into the mapping `store` under "0", "1" ..."""
        store.update({str(i): variable.numpy() for i, variable in enumerate(self.variables)})

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote."""
        self.set_weights([store[str(i)] for i in range(len(store.keys()))])

    def to(self, backend: Any) -> Self:
        """Move the slots to another backend; returns the optimizer. The model moves its own
        variables."""
        for slot in self.slot_variables:
            slot.to(backend)
        return self

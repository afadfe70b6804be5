"""Updates that are written one variable at a time and assign, as Keras' `update_step` has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from unidl import initializers
from unidl.backend.variable import Variable
from unidl.distribution.placing import place_like
from unidl.typing import Tensor, TensorLike


class ByVariable:
    """What `update_step` of one's own needs: state that one adds, and assignments."""

    name: str
    _slot_order: list[Variable]
    _index: dict[Variable, int]
    _in_update_step = False

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        """Assign the next value of `variable`, and of the state that `build` added for it.

        Instead of `update`, over `unidl.ops`: gradient and variable have one shape and dtype, the
        learning rate is a number of that dtype. `self.iterations` are the updates made before this
        one.
        """
        raise NotImplementedError

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A Variable of any shape that belongs to the state."""
        return self._own(
            Variable(initializers.get(initializer), tuple(shape), dtype, trainable=False, name=name)
        )

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A Variable with the shape and dtype of another, for `build`."""
        with reference_variable.backend.scope():
            slot = Variable(
                initializers.get(initializer),
                tuple(reference_variable.shape),
                reference_variable.dtype,
                trainable=False,
                name=f"{reference_variable.path.replace('/', '_')}_{name or 'slot'}",
                backend=reference_variable.backend,
            )
        place_like(slot, reference_variable)
        return self._own(slot)

    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: str | Sequence[str],
        initializer: Any = "zeros",
    ) -> Any:
        """`add_variable_from_reference` for each variable: a list, or with several names one list
        for each of them."""
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, list | tuple)
        made = list(initializer) if several else [initializer] * len(names)
        lists: list[list[Variable]] = [[] for _ in names]
        for variable in trainable_variables:
            for found, each, how in zip(lists, names, made, strict=True):
                found.append(self.add_variable_from_reference(variable, each, how))
        return lists[0] if isinstance(name, str) else tuple(lists)

    def _own(self, slot: Variable) -> Variable:
        slot.path = f"{self.name}/{slot.name}"
        self._slot_order.append(slot)
        return slot

    def assign(self, variable: Variable, value: TensorLike) -> None:
        """Set a variable of the model or of the state."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: TensorLike) -> None:
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: TensorLike) -> None:
        variable.assign_sub(value)

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index[variable]

    @property
    def _steps_by_variable(self) -> bool:
        return type(self).update_step is not ByVariable.update_step

    @contextmanager
    def _inside_update_step(self) -> Iterator[None]:
        self._in_update_step = True
        try:
            yield
        finally:
            self._in_update_step = False

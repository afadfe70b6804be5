"""State that the host keeps as plain numbers: an optimizer's iteration count and learning rate, the
place of a random generator in its stream.

Such state never lives on a device, so reading it waits for nothing. In a `StatelessScope` something
stands for it as for a Variable: numbers again, or, in a function that a framework compiles, a
tensor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from unidl.backend.frame import current
from unidl.typing import Tensor

_classes: list[type] = []
_told: list[Callable[[type], None]] = []


def tell_classes(function: Callable[[type], None]) -> None:
    """Call `function` with each class of such handles, now and whenever another one is defined: for
    a framework that must know what the leaves of arguments are."""
    _told.append(function)
    for cls in _classes:
        function(cls)


class HostHeld(ABC):
    """A handle of numbers on the host.

    Attributes:
        shape: of the tensor that `as_tensor` makes.
        path: shown in texts.
    """

    shape: tuple[int, ...] = ()
    path: str

    @property
    def held(self) -> HostHeld:
        """Itself: as `Variable.held`, but what is on the host is not split."""
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.append(cls)
        for told in _told:
            told(cls)

    @abstractmethod
    def own_state(self) -> Any:
        """The numbers it holds, whatever stands in for them."""

    @abstractmethod
    def set_own_state(self, state: Any) -> None:
        """Hold these numbers."""

    @abstractmethod
    def state_from(self, value: Any) -> Any:
        """`value`, an array of `shape`, as numbers."""

    @abstractmethod
    def as_tensor(self, state: Any) -> Tensor:
        """`state` as a tensor of the active backend; one that is a tensor already as it is."""

    @property
    def state(self) -> Any:
        """What it holds, or what a scope has in its place."""
        scope = current().stateless
        return self.own_state() if scope is None else scope.state_of(self)

    @state.setter
    def state(self, state: Any) -> None:
        scope = current().stateless
        if scope is None:
            self.set_own_state(state)
        else:
            scope.set_state_of(self, state)

"""Finding the variables and sublayers that an object holds in its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from unidl import tree
from unidl.backend.variable import Variable
from unidl.utils.watched import Watched

if TYPE_CHECKING:
    from typing_extensions import Self


T = TypeVar("T")


class Tracked(Watched):
    """Remembers, in order of assignment, the attributes that hold variables, layers, or containers
    of such."""

    _holders: dict[str, Any]
    _untracked: frozenset = frozenset()  # attributes that hold objects without owning them
    _groups_in_files: dict[
        str, str
    ] = {}  # {attribute of a sublayer: its group in Keras' weight files}, where the names differ

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        object.__setattr__(self, "_holders", {})
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        self._watch(name, value)
        if (
            isinstance(value, Variable | Tracked | list | tuple | dict)
            and name not in self._untracked
        ):
            if not isinstance(value, Variable):
                self._refuse_itself(name, value)
            self._holders.pop(name, None)
            self._holders[name] = value
        elif name in self._holders:
            del self._holders[name]
        try:
            object.__setattr__(self, name, value)
        except AttributeError:
            self._holders.pop(name, None)
            if not isinstance(getattr(type(self), name, None), property):
                raise
            raise AttributeError(
                f"{type(self).__name__}: {name!r} is a property of every layer and cannot be "
                f"assigned. Give the attribute another name, such as {'own_' + name!r}."
            ) from None

    def _refuse_itself(self, name: str, value: Any) -> None:
        """Raise if `value` contains this object: the nesting would never end."""
        waiting, seen = tree.instances(Tracked, value), set()
        while waiting:
            each = waiting.pop()
            if each is self:
                raise ValueError(
                    f"{type(self).__name__} {getattr(self, 'name', '')!r}: the value assigned to "
                    f"{name!r} is the layer itself, or contains it. A layer cannot contain itself: "
                    "keep it out of its own attributes and those of its sublayers."
                )
            if id(each) not in seen:
                seen.add(id(each))
                waiting += tree.instances(Tracked, each._holders)

    def __delattr__(self, name: str) -> None:
        self._holders.pop(name, None)
        object.__delattr__(self, name)

    def held(self, kind: type[T]) -> list[T]:
        """The objects of class `kind` in own attributes and containers there, without duplicates,
        in order."""
        return list({id(x): x for x in tree.instances(kind, self._holders)}.values())

"""What a framework's state dicts look like: how arrays are called and which belong together.

The layouts themselves need no naming: what comes here has its channels first and multiplies from
the left, as in `unidl.port.weight_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

ALONE = "alone"  # the family, and the name, of an array that belongs to no layer of a known kind


@dataclass
class Group:
    """The arrays of one module.

    Attributes:
        path: of the module, as the file calls it.
        arrays: {name within the module: array}.
        names: {name within the module: name in the file}.
        is_reversed: whether it is the half of a recurrent module that goes backwards.
    """

    path: str
    arrays: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    is_reversed: bool = False

    def add(self, local: str, name: str, array: Any) -> None:
        self.arrays[local] = array
        self.names[local] = name

    def __str__(self) -> str:
        listed = ", ".join(f"{local} {shape_of(array)}" for local, array in self.arrays.items())
        return f"{self.path or 'the top'}: {listed}"


class Source(NamedTuple):
    """Where a role's numbers are: names within the module, several where their sum is meant, and
    the block of `Weight`."""

    names: tuple[str, ...]
    block: tuple[int, int] = (0, 1)


def one_each(**roles: str) -> dict[str, Source]:
    """A form of one array for each role: its name within the module."""
    return {role: Source((name,)) for role, name in roles.items()}


Form = Mapping[str, Source]  # by role, such as "kernel"


class Naming(Protocol):
    """
    Attributes:
        framework: its name for sentences.
        endings: of the files that `read` takes.
        epsilons: {family: what normalization layers have by default}.
        momentum: of moving statistics by default, in the sense of Keras; None if there are none.
        is_common: whether arrays of no framework are mostly of this one.
        differs: {family: sentence on what trains otherwise, whatever the arguments are}.
    """

    framework: str
    endings: tuple[str, ...]
    epsilons: Mapping[str, float]
    momentum: float
    is_common: bool
    differs: Mapping[str, str]

    def read(self, path: str) -> dict[str, Any]:
        """{name: array} of a file, in its order; ValueError if it is damaged or holds more."""
        ...

    def groups(self, arrays: Mapping[str, Any]) -> tuple[list[Group], dict[str, str]]:
        """(groups in the order of their first arrays, {name: why it is ignored})."""
        ...

    def forms(self, family: str) -> list[Form]:
        """How the arrays of a layer of this family may be called."""
        ...


def shape_of(array: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in array.shape)


def tokens(path: str) -> list[str]:
    """The words and numbers of a path."""
    return [part for part in re.split(r"[/._ ]|(?<=[a-z])(?=\d)", path.lower()) if part]

"""What a module of torch becomes: unidl's layers for it, and where its numbers go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import nn

from unidl.port.errors import Refused
from unidl.port.weight_rules import Rule, same


class LookInside(Refused):
    """Raised by what applies a Piece: it does not do this call; the module's own forward may."""


class Goal(NamedTuple):
    """Names of parameters and buffers in the module; a function that gives the Variable of unidl,
    once the layer is built; the rule and the block of `Weight`."""

    names: tuple[str, ...]
    variable: Callable[[], Any]
    rule: Rule
    block: tuple[int, int]


@dataclass
class Piece:
    """
    Attributes:
        apply: from the `Laid` inputs of the module to its outputs; its layers are made once, so a
            module that is called twice shares its weights here too.
        weights: where its numbers go, in the order of unidl's layers.
        warnings: what differs in silence, in sentences.
        takes_arrays: whether tensors that depend on no input, such as masks, come as arrays of
            NumPy, not as weights.
    """

    apply: Callable[..., Any]
    weights: list[Goal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    takes_arrays: bool = False

    def add(self, names: Any, variable: Callable[[], Any], rule: Rule = same, block=(0, 1)) -> None:
        names = (names,) if isinstance(names, str) else names
        self.weights.append(Goal(names, variable, rule, block))

    def take_over(self, other: Piece, prefix: str) -> None:
        """What belongs to `other`, the piece of a module inside."""
        for goal in other.weights:
            self.weights.append(goal._replace(names=tuple(f"{prefix}.{n}" for n in goal.names)))
        self.warnings += other.warnings


Maker = Callable[[Any, str], Piece]
MAKERS: dict[type, Maker] = {}


def piece(*kinds: type) -> Callable[[Maker], Maker]:
    """Register what makes the Piece of modules of exactly these classes, from the module and the
    name of the layer."""

    def register(maker: Maker) -> Maker:
        for kind in kinds:
            MAKERS[kind] = maker
        return maker

    return register


# {"package.module.Class": maker} of modules in packages that are not imported here.
NAMED: dict[str, Maker] = {}


def piece_named(*names: str) -> Callable[[Maker], Maker]:
    """The same for classes of other packages, by their full names."""

    def register(maker: Maker) -> Maker:
        NAMED.update(dict.fromkeys(names, maker))
        return maker

    return register


def maker_of(kind: type) -> Maker | None:
    """What makes the Piece of modules of class `kind`: one that is known, or one derived from it
    that changes nothing but how it is made."""
    found = MAKERS.get(kind) or NAMED.get(f"{kind.__module__}.{kind.__qualname__}")
    if found is not None:
        return found
    own: set[str] = set()
    for base in kind.__mro__:
        if base in MAKERS:
            theirs = {name for part in base.__mro__ if part is not object for name in vars(part)}
            return None if own & theirs - _OF_EVERY_CLASS else MAKERS[base]
        own |= vars(base).keys()
    return None


_OF_EVERY_CLASS = {
    "__init__", "__module__", "__doc__", "__qualname__", "__annotations__", "__firstlineno__",
    "__static_attributes__", "__constants__", "extra_repr", "_version",
}  # fmt: skip


def rank_of(module: nn.Module) -> int:
    """1, 2 or 3, from the name of its class."""
    return int(next(c for c in type(module).__name__ if c in "123"))

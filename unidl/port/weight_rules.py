"""How the numbers of a weight change from one framework's layout to another's, there and back.

A rule is a pair of functions that undo each other to the bit: what was brought in can be taken out
again. Each weight of a model that is brought in keeps its rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Rule(NamedTuple):
    """`there` makes an array of unidl's layout from the original's, `back` the original again.

    `is_sum`: several arrays become their sum, and `back` gives the first one all of it.
    """

    there: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]
    is_sum: bool = False

    def then(self, other: Rule) -> Rule:
        """Both, one after the other."""
        return Rule(lambda x: other.there(self.there(x)), lambda x: self.back(other.back(x)))


added = Rule(lambda x: x[0] + x[1], lambda x: np.stack([x, np.zeros_like(x)]), is_sum=True)
same = Rule(np.asarray, np.asarray)


def transposed(*axes: int) -> Rule:
    """Axis i of ours is axis axes[i] of the original."""
    back = tuple(int(i) for i in np.argsort(axes))
    return Rule(lambda x: np.transpose(x, axes), lambda x: np.transpose(x, back))


def flipped(*axes: int) -> Rule:
    """The numbers along these axes from the last to the first."""
    return Rule(lambda x: np.flip(x, axes), lambda x: np.flip(x, axes))


def gates(*order: int, axis: int = 0) -> Rule:
    """The blocks along `axis`, one for each gate, in another order: block i of ours is block
    order[i] of the original."""
    back = tuple(int(i) for i in np.argsort(order))

    def moved(x: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
        blocks = np.split(x, len(order), axis)
        return np.concatenate([blocks[i] for i in order], axis)

    return Rule(lambda x: moved(x, order), lambda x: moved(x, back))


def reshaped(ours: Callable[[tuple], tuple], original: Callable[[tuple], tuple]) -> Rule:
    """The numbers as they lie, in another shape: functions from one shape to the other."""
    return Rule(lambda x: x.reshape(ours(x.shape)), lambda x: x.reshape(original(x.shape)))


def between(ours: tuple, original: tuple) -> Rule:
    """The same from one fixed shape to another."""
    return reshaped(lambda shape: ours, lambda shape: original)


def flattened(segments: tuple[tuple[int, ...], ...]) -> Rule:
    """The rows (the first axis) behind flattened images, which lie there channels first and here
    channels last.

    Args:
        segments: (channels, *space) of each image, or (n,) of a vector, one behind the other.
    """
    ends = np.cumsum([math.prod(segment) for segment in segments])[:-1]

    def there(x: np.ndarray) -> np.ndarray:
        found = []
        for part, segment in zip(np.split(x, ends), segments, strict=True):
            whole = part.reshape(*segment, *x.shape[1:])
            found.append(np.moveaxis(whole, 0, len(segment) - 1).reshape(part.shape))
        return np.concatenate(found)

    def home(x: np.ndarray) -> np.ndarray:
        found = []
        for part, segment in zip(np.split(x, ends), segments, strict=True):
            whole = part.reshape(*segment[1:], segment[0], *x.shape[1:])
            found.append(np.moveaxis(whole, len(segment) - 1, 0).reshape(part.shape))
        return np.concatenate(found)

    return Rule(there, home)


def depthwise(multiplier: int) -> Rule:
    """The kernel of a grouped convolution, (channels * multiplier, 1, *window), as (*window,
    channels, multiplier)."""

    def there(x: np.ndarray) -> np.ndarray:
        split = x.reshape(-1, multiplier, *x.shape[2:])
        return np.transpose(split, (*range(2, split.ndim), 0, 1))

    def home(x: np.ndarray) -> np.ndarray:
        moved = np.transpose(x, (x.ndim - 2, x.ndim - 1, *range(x.ndim - 2)))
        return moved.reshape(-1, 1, *moved.shape[2:])

    return Rule(there, home)


class Weight(NamedTuple):
    """A weight that was brought in.

    Attributes:
        names: of the original's arrays, mostly one. Where there are several, `there` of the rule
            takes a stack of them along a new first axis.
        variable: unidl's Variable.
        rule: from the one to the other.
        block: (i, n) where the original has n weights of unidl in one array, one after the other
            along its first axis, of which this is number i.
    """

    names: tuple[str, ...]
    variable: Any
    rule: Rule
    block: tuple[int, int] = (0, 1)

    def converted(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """What the original has, in unidl's layout."""
        found = [self.block_of(arrays[name]) for name in self.names]
        return self.rule.there(found[0] if len(found) == 1 else np.stack(found))

    def converted_gradient(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """The gradient that the original has, in unidl's layout."""
        return arrays[self.names[0]] if self.rule.is_sum else self.converted(arrays)

    def block_of(self, array: np.ndarray) -> np.ndarray:
        """The part of one of the original's arrays that belongs here."""
        i, n = self.block
        return array if n == 1 else np.split(array, n)[i]

    def bring_in(self, arrays: dict[str, np.ndarray]) -> None:
        """Assign what the original has."""
        self.variable.assign(self.converted(arrays))

    def take_out(self) -> dict[str, np.ndarray]:
        """{name: array} as the original has it."""
        return self.taken_out(self.variable.numpy())

    def taken_out(self, value: np.ndarray) -> dict[str, np.ndarray]:
        """The same of another array of unidl's layout, such as a gradient."""
        found = self.rule.back(value)
        parts = [found] if len(self.names) == 1 else found
        return dict(zip(self.names, parts, strict=True))

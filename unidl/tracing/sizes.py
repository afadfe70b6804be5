"""Sizes of open axes: None where a user reads a shape, a number while a layer or function computes
with it.

`call` may count with a size (`ops.arange(ops.shape(x)[1])`, `-1` beside an open axis, a loop), so
it gets a number. It runs twice, each time with another prime, and what differs between the two
results is open. An `OpenSize` also knows the number of the other run and prints as None, so that a
shape rule can tell it from a fixed size: it fits any size, as None does.
"""

from __future__ import annotations

import operator
from contextvars import ContextVar
from typing import Any

from unidl.backend.context import holding

# About as long as a short sentence: tables of positions are longer, windows are shorter, and a
# loop over one is quick.
_PRIMES = (103, 107, 109, 113, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197)


class OpenSize(int):
    """The size of an open axis in one of the two runs; `other` is that of the other run, and
    differs. `made` tells whoever writes a program down where the size comes from: (function, sizes)
    of which it is the result; None where nobody asked."""

    other: int
    made: Any

    def __new__(cls, size, other, made=None):
        self = int.__new__(cls, size)
        self.other, self.made = other, made
        return self

    def __getnewargs__(self):
        return int(self), self.other

    def __repr__(self):
        return "None"

    __str__ = __repr__

    def __format__(self, spec):
        return int.__format__(self, spec) if spec else "None"


def _arithmetic(function, reflected):
    def method(self, other):
        if not isinstance(other, int):
            return NotImplemented
        return of_both(function, *((other, self) if reflected else (self, other)))

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    setattr(OpenSize, f"__{_name}__", _arithmetic(getattr(operator, _name), False))
    setattr(OpenSize, f"__r{_name}__", _arithmetic(getattr(operator, _name), True))
OpenSize.__neg__ = lambda self: of_both(operator.neg, self)  # type: ignore[method-assign]


def is_open(size) -> bool:
    return size is None or type(size) is OpenSize


def has_open(shape) -> bool:
    return None in shape or OpenSize in map(type, shape)


def of_both(function, *sizes):
    """function(*sizes), an OpenSize if the two runs give two numbers, None if one of the sizes is
    None."""
    if None in sizes:
        return None
    if OpenSize not in map(type, sizes):
        return function(*sizes)
    first, second = (function(*of_run) for of_run in _of_runs(sizes))
    return first if first == second else OpenSize(first, second, (function, sizes))


def opened(function, *sizes):
    """Like `of_both` for what stays open also where the two numbers happen to be equal, such as a
    count of windows."""
    if None in sizes:
        return None
    first, second = (function(*of_run) for of_run in _of_runs(sizes))
    return OpenSize(first, second if first != second else second + 1, (function, sizes))


def _of_runs(sizes):
    return (
        [int(s) if type(s) is OpenSize else s for s in sizes],
        [s.other if type(s) is OpenSize else s for s in sizes],
    )


def a_size(size):
    """A size given by the user, which may be any integer, as an int; an open one stays open."""
    return size if isinstance(size, int) or size is None else int(size)


def merged(sizes):
    """Of sizes that agree the one that says most: a fixed one, else that of the runs, else None."""
    fixed = [s for s in sizes if not is_open(s)]
    return fixed[0] if fixed else next((s for s in sizes if s is not None), None)


# -- the two runs --------------------------------------------------------------------------------

_run: ContextVar[OpenSize | None] = ContextVar("unidl_open_size", default=None)


def stand_ins(taken) -> tuple[OpenSize, OpenSize]:
    """What open axes are in the first and in the second run: primes that are not among the sizes
    `taken`.

    All open axes get one number, since a program may need two of them to be equal (the states and
    the sequence of a decoder,
    both axes of an adjacency matrix).
    """
    first, second = [p for p in _PRIMES if p not in taken][:2]
    return OpenSize(first, second), OpenSize(second, first)


def running_with(size: OpenSize):
    """A run in which open axes have this size."""
    return holding(_run, size)


def in_numbers() -> bool:
    """Whether a run of shape inference is on, in which open axes have a number."""
    return _run.get() is not None


def numbered(shape) -> tuple:
    """`shape` for such a run, with a number for None."""
    size = _run.get()
    return tuple(size if s is None else s for s in shape)


def as_given(shape) -> tuple:
    """`shape` as its user knows it, with None for what is open, to build a layer for it.

    A size that lost its mark on the way (`int(size)`, a tensor of the framework) is known by its
    number.
    """
    size = _run.get()
    if size is None:
        return shape
    return tuple(None if type(s) is OpenSize or s == size else s for s in shape)

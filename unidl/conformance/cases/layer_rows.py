"""A row of the tables of layers, and what its inputs are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class LayerCase:
    """One layer, called once.

    Args:
        name: unique.
        make: () -> the layer, unbuilt.
        inputs: function of a NumPy generator -> tuple of the call's positional arguments: arrays,
            or lists of arrays.
        kwargs: the other arguments of the call; arrays among them are masks and initial states.
        random: the output depends on random masks, so that it can be compared between backends but
            not with other libraries.
        positive: names of weights that must be positive (variances).
    """

    name: str
    make: Callable
    inputs: Callable
    kwargs: dict = field(default_factory=dict)
    random: bool = False
    positive: tuple[str, ...] = ("moving_variance",)


def normal(*shapes):
    """The call's arguments: one normal array of each shape."""
    return lambda g: tuple(g.normal(size=s) for s in shapes)


def normal_list(*shapes):
    """One argument: a list of normal arrays."""
    return lambda g: ([g.normal(size=s) for s in shapes],)


def integers(high, *shape, dtype="int32"):
    return lambda g: (g.integers(0, high, shape).astype(dtype),)


def spread(*shape):
    """Distinct values in random order: no ties for a maximum, none at the kinks of an
    activation."""
    size = int(np.prod(shape))
    return lambda g: ((g.permutation(size) - size / 2 + 0.3).reshape(shape) / 4,)


def rows(*lengths, of=5):
    """Mask (len(lengths), of): the first `lengths[i]` steps of sample i count."""
    return np.arange(of) < np.array(lengths)[:, None]


# Steps in the middle masked, all, none, the first.
HOLES = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 1]], bool)
TRIANGLE = np.tril(np.ones((4, 3), bool))[None]  # (1, 4, 3)
SOME_ROWS_BLIND = np.array(
    [[[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]]] * 2, bool
)  # (2, 4, 3), the second query sees nothing


def states(n, u):
    g = np.random.default_rng(7)
    return [g.normal(size=(n, u)), g.normal(size=(n, u))]

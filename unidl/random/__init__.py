"""Portable random numbers: the same bits on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.random.draws import (
    bernoulli,
    categorical,
    dropout,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from unidl.random.order import permutation
from unidl.random.parametrized import beta, binomial, gamma
from unidl.random.seed_generator import SeedGenerator, get_global_state, set_global_state
from unidl.utils.namespaces import namespace

__all__ = [
    "SeedGenerator",
    "bernoulli",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "get_global_state",
    "normal",
    "permutation",
    "randint",
    "set_global_state",
    "shuffle",
    "truncated_normal",
    "uniform",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

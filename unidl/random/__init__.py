"""Portable random numbers: the same bits on every backend."""

from unidl.random.draws import bernoulli, categorical, dropout, normal, randint, shuffle, truncated_normal, uniform
from unidl.random.order import permutation
from unidl.random.seed_generator import SeedGenerator

__all__ = [
    "SeedGenerator",
    "bernoulli",
    "categorical",
    "dropout",
    "normal",
    "permutation",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

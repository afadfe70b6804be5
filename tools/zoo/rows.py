"""The rows: where models come from, and how each is made."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

# The sections of the page, in its order: modules here with TITLE, ABOUT, FRAMEWORK, `names()` and
# `make(name)`.
SOURCES = (
    "torchvision_models",
    "transformers_models",
    "torch_written",
    "torch_modules",
    "gluon_vision",
    "gluon_written",
    "keras_applications",
)


MEMORY = 9e9  # bytes that a row may have
_FOR_EACH = (
    62  # bytes for each weight, as measured: the original and its twin in float64, gradients
)


class NotRun(Exception):
    """Why a row is not run, in half a sentence."""


def require_memory(weights: int) -> None:
    """NotRun where a model of that many weights does not fit."""
    if (needed := weights * _FOR_EACH) > MEMORY:
        raise NotRun(f"it needs about {needed / 1e9:.0f} GB, and a row has {MEMORY / 1e9:.0f}")


@dataclass(frozen=True)
class Case:
    """A model of another framework, and arrays of NumPy that it takes.

    `writes`: whether it goes out again as source, too.
    """

    model: Any
    examples: tuple
    writes: bool = True


@dataclass(frozen=True)
class Row:
    source: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.source}.{self.name}"

    @property
    def framework(self) -> str:
        return module_of(self.source).FRAMEWORK

    def cases(self) -> list[Case]:
        """Mostly one; a module of torch has several configurations. NotRun has the reason."""
        found = module_of(self.source).make(self.name)
        return found if isinstance(found, list) else [found]


def rows() -> list[Row]:
    return [Row(source, name) for source in SOURCES for name in module_of(source).names()]


def module_of(source: str) -> Any:
    return import_module(f"tools.zoo.{source}")


def image(size: int, channels: int = 3, count: int = 2, last: bool = False) -> tuple:
    """Drawn images, channels first or last, as the examples of a Case."""
    import numpy as np

    shape = (count, size, size, channels) if last else (count, channels, size, size)
    return (np.random.default_rng(0).normal(size=shape).astype("float32"),)


def tokens(words: int, length: int, count: int = 2) -> Any:
    """Drawn numbers of words, (count, length)."""
    import numpy as np

    return np.random.default_rng(0).integers(0, words, (count, length))

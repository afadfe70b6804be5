"""What the generator draws: descriptions of layers and data, from which Keras and unidl make the
same thing."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, fields, is_dataclass

import numpy as np


@dataclass(frozen=True)
class Spec:
    """An object of either library: `<module>.<name>(**arguments)`; arguments may hold further
    ones."""

    module: str
    name: str
    arguments: dict = field(default_factory=dict)

    def __repr__(self):
        inside = ", ".join(f"{k}={v!r}" for k, v in self.arguments.items())
        return f"{self.module}.{self.name}({inside})"


@dataclass(frozen=True)
class Array:
    """Data of a call. Kind: "normal", "mask" (bools), "triangle" (causal bools), or the number of
    values for integers."""

    shape: tuple[int, ...]
    kind: str | int = "normal"
    dtype: str = "float64"

    def values(self, generator):
        if self.kind == "normal":
            return generator.normal(size=self.shape).astype(self.dtype)
        if self.kind == "holes":  # whole steps of zeros, for layers that look for them
            steps = generator.random(self.shape[:2]) < 0.6
            return generator.normal(size=self.shape) * steps.reshape(
                *steps.shape, *[1] * (len(self.shape) - 2)
            )
        if self.kind == "mask":
            return generator.random(self.shape) < 0.6
        return generator.integers(0, self.kind, self.shape).astype("int32")


@dataclass(frozen=True)
class Example:
    """One layer, called once: `layer(*inputs, **call)`. Both may hold lists of Arrays."""

    layer: Spec
    inputs: tuple
    call: dict = field(default_factory=dict)

    @property
    def generator(self):
        """Random numbers that depend on nothing but the description."""
        return np.random.default_rng(zlib.crc32(repr(self).encode()))

    @property
    def random(self):
        """Whether the result depends on random masks, so that no other library can have the
        same."""
        return bool(self.call.get("training")) and any(
            s.arguments.get(rate) for s in specs(self.layer) for rate in RATES
        )


RATES = ("rate", "stddev", "dropout", "recurrent_dropout")


def specs(value):
    """All Specs in a structure, outer ones first."""
    if isinstance(value, Spec):
        yield value
        yield from specs(value.arguments)
    elif isinstance(value, dict):
        yield from specs(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from specs(item)
    elif is_dataclass(value):
        yield from specs([getattr(value, f.name) for f in fields(value)])


def made(library, value):
    """A structure with each Spec replaced by the object of `library`."""
    if isinstance(value, Spec):
        return getattr(getattr(library, value.module), value.name)(**made(library, value.arguments))
    if isinstance(value, dict):
        return {k: made(library, v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(made(library, v) for v in value)
    return value


def filled(value, generator):
    """A structure with each Array replaced by its values."""
    if isinstance(value, Array):
        return value.values(generator)
    if isinstance(value, dict):
        return {k: filled(v, generator) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(filled(v, generator) for v in value)
    return value

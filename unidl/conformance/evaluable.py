"""Evaluable: what `engine.evaluate` runs on a backend."""

from __future__ import annotations

from typing import Protocol

from unidl.conformance.case import Program


class Evaluable(Protocol):
    """A case of the table, a layer, a call of one, a whole model: anything with host arrays in and tensors out.

    A `Case` is one; `verify` has others.
    """

    def prepare(self, backend, arrays) -> Program:
        """What runs on `backend`, from host `arrays` by name; their floats have the dtype to compute in."""
        ...

"""Evaluable: what `engine.evaluate` runs on a backend."""

from __future__ import annotations

from typing import Protocol

from unidl.conformance.case import Program


class Evaluable(Protocol):
    """A case of the table, a call of a layer, a whole model: host arrays in, tensors out.

    A `Case` is one; `verify` has others.
    """

    def prepare(self, backend, arrays) -> Program:
        """What runs on `backend`, from host `arrays` by name; their floats' dtype is computed
        in."""
        ...

"""Abstract calls: MXNet has none."""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.errors import UnsupportedError


class Abstract(contract.Abstract):
    def abstract_call(self, fn, specs):
        raise UnsupportedError(
            "MXNet has no arrays without values, so its own functions cannot run while shapes are "
            "inferred."
        )

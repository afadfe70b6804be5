"""Abstract calls: MXNet has none."""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.errors import UnsupportedError
from unidl_mxnet.traced import Traced


class Abstract(contract.Abstract):
    def has_value(self, x):
        return not isinstance(x, Traced)

    def abstract_call(self, fn, specs):
        raise UnsupportedError(
            "MXNet has no arrays without values, so its own functions cannot run while shapes are "
            "inferred."
        )

"""Calls without values: what a function returns, asked of the framework itself."""

from __future__ import annotations

from abc import ABC
from contextlib import nullcontext

from unidl.backend.errors import UnsupportedError


class Abstract(ABC):
    # Whether its tensors have values, now or when the function that is being compiled runs; False:
    # they are shapes alone.
    has_values: bool = True

    # Whether it takes sizes of open axes (`tracing.sizes.OpenSize`) and makes tensors of such
    # shapes, rather than of the one number that stands for the size.
    takes_open_sizes: bool = False

    # The dtype of sums of very many terms, such as the counts of metrics: float32 counts up to
    # 2**24 alone.
    long_sums: str = "float64"

    def has_value(self, x) -> bool:
        """Whether native `x` has a value now: not in a function that is being compiled."""
        return self.has_values

    def abstract_call(self, fn, specs):
        """The specs of the list of tensors that fn(*tensors) returns; a spec is (shape, dtype),
        with fixed sizes.

        `fn` may call the framework directly. It runs once on tensors of the given specs that stand
        for any values, if the
        framework has such, else on real ones. What it assigns to Variables is the caller's to undo.
        """
        raise UnsupportedError(
            f"abstract_call: the backend {self.name!r} has no tensors without values."
        )

    def concretely(self):
        """Context for what is made for good inside an abstract call, such as the weights of a
        layer."""
        return nullcontext()
